"""How each library reads a file: its records in one form, what it raised, whether it told of anything.

A reader is a generator of records, and raises what the library raises. Libraries for Python are imported when their
reader is made; `yaz-marcdump`, Perl's MARC::Batch and Java's marc4j are run as programs.
"""

from __future__ import annotations

import csv
import importlib
import importlib.metadata
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peer_files import Case, Field, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOLD = "told"
"""What a reader gives in place of a record where the library says that something is wrong."""

Given = Record | None | str


class Failed(Exception):  # noqa: N818 - it is how a program failed
    """A program that failed; the message is what to print."""


PATIENCE = 5
"""How often a reader is asked for the next record after exceptions."""

MARC4J = Path("/usr/share/java/marc4j.jar")


@dataclass(frozen=True)
class Peer:
    """A library: its name, version, how it reads, and how it writes what it has read, if it does."""

    name: str
    version: Callable[[], str | None]
    read: Callable[[str, Case], Iterator[Given]]
    write: Callable[[str], bytes] | None = None
    partial: bool = False


def installed(package: str) -> Callable[[], str | None]:
    """Give the version of a Python package, or None."""

    def version() -> str | None:
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return None

    return version


def going_on(records: Iterator[Any]) -> Iterator[Any]:
    """Ask again after an exception, as often as a program might; raise the first at the end."""
    errors: list[Exception] = []
    while len(errors) < PATIENCE:
        try:
            yield next(records)
        except StopIteration:
            break
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


def pymarc_record(record: Any) -> Record:  # noqa: ANN401 - pymarc is optional
    """Take over a record of pymarc's, or of ours, which has the same names."""
    fields = []
    for f in record.fields:
        if f.control_field:
            fields.append(Field(f.tag, None, None, f.data, []))
        else:
            fields.append(Field(f.tag, f.indicator1, f.indicator2, None, [list(subfield) for subfield in f.subfields]))
    return fields


def read_pymarc(path: str, _case: Case) -> Iterator[Given]:
    """`for record in pymarc.MARCReader(file)`."""
    import pymarc

    with Path(path).open("rb") as file:
        for record in going_on(pymarc.MARCReader(file)):
            yield None if record is None else pymarc_record(record)


def write_pymarc(path: str) -> bytes:
    """`record.as_marc()`."""
    import pymarc

    return b"".join(record.as_marc() for record in pymarc.MARCReader(Path(path).read_bytes()) if record)


def read_mrrc(path: str, _case: Case) -> Iterator[Given]:
    """`for record in mrrc.MARCReader(path)`."""
    import mrrc

    for record in going_on(iter(mrrc.MARCReader(path))):
        if record is None:
            yield None
            continue
        fields = []
        for f in record.fields():
            if f.is_control_field():
                fields.append(Field(f.tag, None, None, f.data, []))
            else:
                subfields = [[subfield.code, subfield.value] for subfield in f.subfields()]
                fields.append(Field(f.tag, f.indicator1, f.indicator2, None, subfields))
        yield fields
        if record.errors:
            yield TOLD


def write_mrrc(path: str) -> bytes:
    """`mrrc.MARCWriter`."""
    import mrrc

    out = io.BytesIO()
    writer = mrrc.MARCWriter(out)
    for record in mrrc.MARCReader(path):
        writer.write(record)
    writer.close()
    return out.getvalue()


def read_marctable(path: str, _case: Case) -> Iterator[Given]:
    """`marctable.utils.records_iter`, which its tables are made of, without rules."""
    from marctable.utils import records_iter

    with Path(path).open("rb") as file:
        for rows in records_iter(file):
            for row in rows:
                fields = []
                for column, values in row.items():
                    for text in values if isinstance(values, list) else [values]:
                        tag = column[1:]
                        is_control = tag < "010"
                        fields.append(
                            Field(tag, None, None, text if is_control else None, [] if is_control else [["", text]])
                        )
                yield fields


def read_polars_marc21(path: str, case: Case) -> Iterator[Given]:
    """`read_marc21(path, "001,650/*.a")` for each tag and code, since rows multiply with repeated values."""
    import polars_marc21

    records: dict[str, list[Field]] = {}
    for (number,) in polars_marc21.read_marc21(path, "001").rows():
        records.setdefault(number, []).append(Field("001", None, None, number, []))
    if not any(f.tag == "001" for record in case.records for f in record):
        records[""] = []
    for tag, code in case.columns:
        try:
            rows = polars_marc21.read_marc21(path, f"001,{tag}/*.{code}").rows()
        except OSError as error:
            if "parse error" not in str(error):
                raise
            continue
        for number, value in rows:
            if value:
                records.setdefault(number, []).append(Field(tag, None, None, None, [["", value]]))
    for number, fields in records.items():
        # Subfields of a field come in rows of their own, and fields are not told apart.
        if number or fields:
            yield fields


def read_bib2(path: str, _case: Case) -> Iterator[Given]:
    """The rows that `bib2 -o out.csv` writes; it logs what it leaves out."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.csv"
        done = subprocess.run(
            [sys.executable, "-m", "bib2", "-o", str(out), path],
            env=os.environ | {"TQDM_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed("raises " + done.stderr.strip().splitlines()[-1].split(":")[0])
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
    if done.stderr.strip():
        yield TOLD
    records: dict[str, dict[str, list[dict[str, str]]]] = {}
    for row in rows:
        records.setdefault(row["record_number"], {}).setdefault(row["field_number"], []).append(row)
    for fields in records.values():
        record = []
        for of_field in fields.values():
            tag = of_field[0]["field_code"]
            if tag == "LDR":
                continue
            if tag < "010":
                record.append(Field(tag, None, None, of_field[0]["value"], []))
                continue
            inds = {row["subfield_code"]: row["value"] for row in of_field if row["subfield_code"] in ("Y", "Z")}
            subfields = [[r["subfield_code"], r["value"]] for r in of_field if r["subfield_code"] not in ("Y", "Z")]
            record.append(Field(tag, inds.get("Y", " "), inds.get("Z", " "), None, subfields))
        yield record


def from_json(text: str) -> Iterator[Given]:
    """Take over MARC-in-JSON, one object after the other; ours have `told` or `error`."""
    decoder = json.JSONDecoder(strict=False)
    place, errors = 0, []
    while place < len(text):
        if text[place] != "{":
            place += 1
            continue
        one, place = decoder.raw_decode(text, place)
        if "error" in one:
            errors.append(one["error"])
            continue
        if "told" in one:
            yield TOLD
            continue
        fields = []
        for f in one["fields"]:
            for tag, content in f.items():
                if isinstance(content, str):
                    fields.append(Field(tag, None, None, content, []))
                else:
                    subfields = [[code, value] for subfield in content["subfields"] for code, value in subfield.items()]
                    fields.append(Field(tag, content.get("ind1"), content.get("ind2"), None, subfields))
        yield fields
    if errors:
        raise Failed(errors[0])


def run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a program; it raises where it fails."""
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode < 0:
        raise Failed(f"**crashes** (signal {-done.returncode})")
    return done


def yaz_version() -> str | None:
    """`yaz-marcdump -V`."""
    if not shutil.which("yaz-marcdump"):
        return None
    said = subprocess.run(["yaz-marcdump", "-V"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"[\d.]+", said)
    return found[0] if found else None


def read_yaz(path: str, case: Case) -> Iterator[Given]:
    """`yaz-marcdump -o json`, which is told of the encoding; what is wrong it says in comments of `-o marcxml`."""
    encodings = {"utf-8": [], "marc-8": ["-f", "marc-8", "-t", "utf-8"], "unimarc": ["-f", "iso5426", "-t", "utf-8"]}
    done = run(["yaz-marcdump", "-o", "json", *encodings[case.encoding], path])
    yield from from_json(done.stdout.decode(errors="replace"))
    if b"<!--" in run(["yaz-marcdump", "-o", "marcxml", path]).stdout:
        yield TOLD
    if done.returncode:
        raise Failed(f"exit code {done.returncode}")


def write_yaz(path: str) -> bytes:
    """`yaz-marcdump -o marc`."""
    return run(["yaz-marcdump", "-o", "marc", path]).stdout


PERL = r"""
use strict; use warnings; use MARC::Batch; use JSON::PP;
my $json = JSON::PP->new->utf8->canonical;
my $batch = MARC::Batch->new('USMARC', $ARGV[1]);
$batch->strict_off;
my $errors = 0;
while (1) {
    my $record = eval { $batch->next };
    if ($@) { print $json->encode({error => 'dies'}), "\n"; last if ++$errors == 5; next }
    last unless $record;
    if ($ARGV[0] eq 'write') { binmode STDOUT; print $record->as_usmarc; next }
    my @fields;
    for my $f ($record->fields) {
        if ($f->is_control_field) { push @fields, {$f->tag => $f->data} }
        else {
            my @subfields = map { {$_->[0] => $_->[1]} } $f->subfields;
            push @fields, {$f->tag => {ind1 => $f->indicator(1), ind2 => $f->indicator(2), subfields => \@subfields}};
        }
    }
    print $json->encode({fields => \@fields}), "\n";
}
print $json->encode({told => 1}), "\n" if $ARGV[0] eq 'read' && $batch->warnings;
"""


def perl_version() -> str | None:
    """Give the version of MARC::Record, which MARC::Batch comes with."""
    if not shutil.which("perl"):
        return None
    command = ["perl", "-MMARC::Batch", "-MMARC::Record", "-e", "print MARC::Record->VERSION"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def read_perl(path: str, _case: Case) -> Iterator[Given]:
    """`$batch->next`, with `strict_off`, so that it goes on."""
    done = run(["perl", "-e", PERL, "read", path])
    if done.returncode:
        raise Failed("dies")
    yield from from_json(done.stdout.decode(errors="replace"))
    if done.stderr:
        yield TOLD


def write_perl(path: str) -> bytes:
    """`$record->as_usmarc`."""
    return run(["perl", "-e", PERL, "write", path]).stdout


JAVA_SOURCE = r"""
import java.io.*;
import java.nio.charset.StandardCharsets;
import org.marc4j.*;
import org.marc4j.marc.ControlField;
import org.marc4j.marc.DataField;
import org.marc4j.marc.Subfield;
import org.marc4j.marc.VariableField;

class Dump {
    static PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);

    static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') json.append('\\').append(c);
            else if (c < 32) json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }

    static void show(org.marc4j.marc.Record record) {
        StringBuilder json = new StringBuilder("{\"fields\": [");
        String comma = "";
        for (VariableField f : record.getVariableFields()) {
            json.append(comma).append("{").append(quoted(f.getTag())).append(": ");
            comma = ", ";
            if (f instanceof ControlField) json.append(quoted(((ControlField) f).getData()));
            else {
                DataField d = (DataField) f;
                json.append("{\"ind1\": ").append(quoted("" + d.getIndicator1()));
                json.append(", \"ind2\": ").append(quoted("" + d.getIndicator2())).append(", \"subfields\": [");
                String between = "";
                for (Subfield s : d.getSubfields()) {
                    json.append(between).append("{").append(quoted("" + s.getCode())).append(": ");
                    json.append(quoted(s.getData())).append("}");
                    between = ", ";
                }
                json.append("]}");
            }
            json.append("}");
        }
        out.println(json.append("]}"));
        if (record.hasErrors()) out.println("{\"told\": 1}");
    }

    public static void main(String[] args) throws Exception {
        InputStream in = new FileInputStream(args[1]);
        MarcReader reader = new MarcPermissiveStreamReader(in, true, true);
        boolean write = args[0].equals("write");
        MarcWriter writer = write ? new MarcStreamWriter(System.out, "UTF-8") : null;
        for (int errors = 0; errors < 5; ) {
            try {
                if (!reader.hasNext()) break;
                org.marc4j.marc.Record record = reader.next();
                if (write) writer.write(record);
                else if (!args[0].equals("count")) show(record);
            } catch (Exception error) {
                out.println("{\"error\": " + quoted("raises " + error.getClass().getSimpleName()) + "}");
                errors++;
            }
        }
        out.flush();
        if (write) writer.close();
    }
}
"""


def java_version() -> str | None:
    """Give the version that marc4j's jar says it has."""
    if not shutil.which("javac") or not MARC4J.exists():
        return None
    import zipfile

    with zipfile.ZipFile(MARC4J) as jar:
        found = re.search(r"^Version: (\S+)", jar.read("META-INF/MANIFEST.MF").decode(), flags=re.MULTILINE)
    return found[1] if found else "unknown"


def java(*arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    """Run the program above, which is compiled once for each temporary folder."""
    folder = Path(tempfile.gettempdir()) / "mrrc_arrow_marc4j"
    classes = f"{MARC4J}:{folder}"
    if not (folder / "Dump.class").exists() or (folder / "Dump.java").read_text() != JAVA_SOURCE:
        folder.mkdir(exist_ok=True)
        (folder / "Dump.java").write_text(JAVA_SOURCE)
        subprocess.run(["javac", "-cp", classes, "-d", str(folder), str(folder / "Dump.java")], check=True)
    return run(["java", "-Xshare:auto", *options, "-cp", classes, "Dump", *arguments])


def read_java(path: str, _case: Case) -> Iterator[Given]:
    """`new MarcPermissiveStreamReader(in, true, true)`, which decodes MARC-8."""
    done = java("read", path)
    if done.returncode:
        found = re.search(r"(\w+Exception)", done.stderr.decode(errors="replace"))
        raise Failed("raises " + found[1] if found else "fails")
    yield from from_json(done.stdout.decode(errors="replace"))


def write_java(path: str) -> bytes:
    """`MarcStreamWriter`."""
    return java("write", path).stdout


def our_records(path: str, case: Case, **options: Any) -> Iterator[Given]:  # noqa: ANN401
    """Give the rows of `read_table`, and look into `read_problems`."""
    import mrrc_arrow

    if case.encoding == "unimarc":
        options["format"] = "unimarc"
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        rows = mrrc_arrow.read_table(path, **options).to_pylist()
    for row in rows:
        fields = []
        for f in row["fields"]:
            subfields = [[subfield["code"], subfield["value"]] for subfield in f["subfields"] or []]
            fields.append(Field(f["tag"], f["ind1"], f["ind2"], f["value"], subfields))
        yield fields
    if mrrc_arrow.read_problems(path, **options).num_rows:
        yield TOLD


def read_ours(path: str, case: Case) -> Iterator[Given]:
    """`read_table(path)`."""
    return our_records(path, case)


def read_ours_on(path: str, case: Case) -> Iterator[Given]:
    """`read_table(path, ignore_errors=True)`."""
    return our_records(path, case, ignore_errors=True)


def write_ours(path: str) -> bytes:
    """`write_marc(read_marc(path))`."""
    import mrrc_arrow

    out = io.BytesIO()
    mrrc_arrow.write_marc(mrrc_arrow.read_table(path), out)
    return out.getvalue()


PEERS = [
    Peer("pymarc", installed("pymarc"), read_pymarc, write_pymarc),
    Peer("mrrc", installed("mrrc"), read_mrrc, write_mrrc),
    Peer("marctable", installed("marctable"), read_marctable, partial=True),
    Peer("polars-marc21", installed("polars-marc21"), read_polars_marc21, partial=True),
    Peer("bib2", installed("bib2"), read_bib2),
    Peer("yaz-marcdump", yaz_version, read_yaz, write_yaz),
    Peer("MARC::Batch", perl_version, read_perl, write_perl),
    Peer("marc4j", java_version, read_java, write_java),
    Peer("mrrc_arrow", installed("mrrc-arrow"), read_ours, write_ours),
    Peer("mrrc_arrow, ignore_errors", installed("mrrc-arrow"), read_ours_on, write_ours),
]

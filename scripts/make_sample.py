"""Write the sample catalogue: invented MARC 21 records, the same bytes on every run.

``python scripts/make_sample.py [OUT.mrc] [--records 300] [--seed 1] [--check]``
"""

import argparse
import bisect
import datetime as dt
import itertools
import random
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

import sample_data as data

T = TypeVar("T")
Row = dict[str, str]
LAST_DAY = dt.date(2026, 6, 30)
SHARES = {"book": 59.0, "ebook": 14, "serial": 8, "map": 6, "score": 6, "sound": 7}
TYPES = {"book": "am", "ebook": "am", "serial": "as", "map": "em", "score": "cm", "sound": "jm"}
FIRST_YEARS = {"ebook": 2000, "sound": 1956}
GROWTH = (1.4, 1.6, 1.4, 2.2, 2.2, 1.4, 3, 4.5, 6, 7.5, 9.5, 12, 13.5, 8)
DECADES = {1890 + 10 * i: weight for i, weight in enumerate(GROWTH)}


def romanized(text: str) -> str:
    """Romanize Russian the ALA-LC way; any other text stays as it is."""
    letters = data.CYRILLIC | {k.upper(): v.capitalize() for k, v in data.CYRILLIC.items()}
    return "".join(letters.get(c, c) for c in text)


def rows(table: str) -> list[Row]:
    """Read a table of ``sample_data``; what is Cyrillic moves to the own_... columns."""
    head, *lines = (line.split("|") for line in table.strip("\n").split("\n"))
    found = [dict(itertools.zip_longest(head, line, fillvalue="")) for line in lines]
    for row, key in itertools.product(found, ("title", "sub", "name", "city", "original")):
        if key in row and (plain := romanized(row[key])) != row[key]:
            bare = key == "title" or (key == "name" and "title" not in row)
            row["own" if bare else "own_" + key] = row[key]
            row[key] = plain
    return found


LANGUAGES = {row["code"]: row for row in rows(data.LANGUAGES)}
PLACES = {row["key"]: row for row in rows(data.PLACES)}
TOPICS = {row["key"]: row for row in rows(data.TOPICS)}
TEXTS = {row["topic"]: row for row in rows(data.TEXTS)}
BODIES, FIELDS, PUBLISHERS = rows(data.BODIES), rows(data.FIELDS), rows(data.PUBLISHERS)
TITLES = rows(data.TITLES) + [row | {"language": "eng"} for row in rows(data.ENGLISH_TITLES)]


def filled(text: str, values: Row) -> str:
    """Fill in a field of ``FIELDS``, or return nothing where a value is missing."""

    def complete(part: str) -> bool:
        return all(values.get(key) for key in re.findall(r"{(\w+)}", part))

    text = re.sub(r"\[([^]]+)\]", lambda m: m[1] if complete(m[1]) else "", text)
    text = text.format_map(values) if complete(text) else ""
    return re.sub(r"([.?!)-])\.$", r"\1", text)


def check_digit(digits: str, weights: Sequence[int], modulus: int) -> str:
    """Return the digit that makes the weighted sum divisible by `modulus`."""
    total = sum(int(d) * weights[i % len(weights)] for i, d in enumerate(digits))
    return "0123456789X"[-total % modulus]


def isbn(core: str) -> str:
    """Complete the nine digits that name a book to an ISBN."""
    return f"978{core}" + check_digit("978" + core, (1, 3), 10)


def nonfiling(language: Row, title: str, own: bool = False) -> str:
    """Count the characters of a title's leading article."""
    articles = language["articles"].split(",")
    known = data.VERNACULAR_ARTICLES.get(language["code"], ()) if own else filter(None, articles)
    return str(max((len(a) for a in known if title.lower().startswith(a.lower())), default=0))


def initial(text: str) -> str:
    """Return the plain capital a shelf mark begins with."""
    plain = unicodedata.normalize("NFD", text.upper().replace("Þ", "TH"))
    return next(c for c in plain if "A" <= c <= "Z")


class Dice:
    """Choices made with ``random()`` alone, whose sequence Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self.roll = random.Random(seed).random

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self.roll() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return true with the given probability."""
        return self.roll() < probability

    def maybe(self, probability: float, text: str = "y") -> str:
        """Return the text with the given probability, or else nothing."""
        return text if self.roll() < probability else ""

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.between(0, len(items) - 1)]

    def line(self, text: str) -> str:
        """Return one of the lines or semicolon-separated items of a text."""
        return self.pick(re.split("[\n;] *", text.strip()))

    def weighted(self, items: Sequence[T], weights: Iterable[float]) -> T:
        """Return one of the items, each as likely as its weight says."""
        sums = list(itertools.accumulate(weights))
        return items[bisect.bisect_right(sums, self.roll() * sums[-1])]

    def shuffled(self, items: Iterable[str]) -> list[str]:
        """Return the items in another order."""
        return [item for _, item in sorted((self.roll(), item) for item in items)]

    def deck(self, shares: dict[str, float], size: int) -> list[str]:
        """Return `size` shuffled cards divided as `shares` say, as near as may be."""
        exact = {k: size * v / sum(shares.values()) for k, v in shares.items()}
        cards = [k for k, v in exact.items() for _ in range(int(v))]
        cards += sorted(exact, key=lambda k: (int(exact[k]) - exact[k], k))[: size - len(cards)]
        return self.shuffled(cards)


class Person(NamedTuple):
    """A person, as a name heading and in his or her own script."""

    language: str
    name: str
    own: str
    born: int
    dates: str

    def heading(self, role: str = "", own: bool = False) -> str:
        """Return the subfields of the heading, closed as its role wants."""
        text = f"‡a{self.own if own else self.name}" + (f",‡d{self.dates}" if self.dates else "")
        comma = "" if text.endswith("-") else ","
        return f"{text}{comma}‡e{role}." if role else text + "." * len(comma)

    def natural(self, own: bool = False) -> str:
        """Return the name as a title page prints it."""
        parts = re.split("[,،] ", self.own if own else self.name)
        if LANGUAGES[self.language]["order"] == "s":
            return ("" if own else " ").join(parts)
        return " ".join(reversed(parts))


@dataclass
class Work:
    """What a book says of itself, kept so that a later record can describe it again."""

    language: Row
    year: int
    topic: Row
    title: Row
    place: Row | None = None
    span: str = ""
    publisher: Row = field(default_factory=dict)
    core: str = ""
    people: list[Person] = field(default_factory=list)
    edited: bool = False
    body: str = ""
    meeting: str = ""
    original: Row | None = None
    translator: Person | None = None
    control: str = ""
    facts: Row = field(default_factory=dict)


@dataclass
class Record:
    """One record under construction; ``‡`` stands for the subfield delimiter."""

    kind: str
    entered: dt.date
    language: Row
    year: int
    special: str = ""
    level: str = " "
    values: Row = field(default_factory=dict)
    own: Row = field(default_factory=dict)
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    paired: list[tuple[str, str, str]] = field(default_factory=list)

    def emit(self, group: str, dice: Dice) -> None:
        """Append the fields of a group, each with an 880 where `own` has something for it."""
        for row in (row for row in FIELDS if row["group"] == group):
            chances = [w for w in row["when"].split() if w[0] in "01"]
            wants = [w for w in row["when"].split() if w[0] not in "01"]
            met = all(bool(self.values.get(w.strip("!"))) != w.startswith("!") for w in wants)
            body = filled(row["body"], self.values)
            if not (met and body and all(dice.chance(float(c)) for c in chances)):
                continue
            keys = re.findall(r"{(\w+)}", row["body"])
            if row["tag"] != "776" and any(self.own.get(key) for key in keys):
                values, number = self.values | self.own, f"{len(self.paired) + 1:02}"
                link = f"‡6{row['tag']}-{number}/{self.language['script']}"
                text = link + filled(row["body"], values)
                self.paired.append(("880", row["ind"].format_map(values), text))
                body = f"‡6880-{number}{body}"
            self.fields.append((row["tag"], row["ind"].format_map(self.values), body))

    def name(self, key: str, person: Person, role: str) -> None:
        """Set the heading of a person."""
        self.values |= {key: person.heading(role), key + "_ind": "01"["," in person.name] + " "}
        if person.own and person.language == self.language["code"]:
            self.own[key] = person.heading(role, own=True)

    def fix(self, dates: str, country: str, middle: str, language: str = "") -> None:
        """Set the 008 field; `middle` is what the kinds of record differ in."""
        code = language or self.language["code"]
        text = f"{self.entered:%y%m%d}{dates:9}{country:3}{middle:17}{code} d"
        self.values["f008"] = text

    def encode(self) -> bytes:
        """Return the record in ISO 2709."""
        # Subjects keep the order they were given in, whatever their tags.
        fields = sorted(self.fields + self.paired, key=lambda f: f[0] if f[0][0] != "6" else "6")
        directory, body = "", b""
        for tag, ind, text in fields:
            if self.special == "nfd":
                text = unicodedata.normalize("NFD", text)
            raw = (ind + text).replace("‡", "\x1f").encode() + b"\x1e"
            directory += f"{tag}{len(raw):04}{len(body):05}"
            body += raw
        base = 24 + len(directory) + 1
        status = "n" if len(fields) % 3 else "c"
        rules = "i" if self.values.get("rda") else "a" if self.entered.year > 1990 else " "
        leader = f"{base + len(body) + 1:05}{status}{TYPES[self.kind]} a22{base:05}"
        return f"{leader}{self.level}{rules} 4500{directory}\x1e".encode() + body + b"\x1d"


class Catalogue:
    """The sample: what is planned, then each record in the order it was entered."""

    def __init__(self, size: int, seed: int) -> None:
        self.dice = Dice(seed)
        self.used: Counter[str] = Counter()
        self.people: defaultdict[str, list[Person]] = defaultdict(list)
        self.authors: dict[str, list[Person]] = {}
        self.books: list[Work] = []
        self.barcodes = itertools.count(101, 7)
        self.records = self.plan(size)
        for number, record in enumerate(self.records, 1):
            self.describe(record, number)

    def plan(self, size: int) -> list[Record]:
        """Choose kinds, years and languages, sort by date of entry, place the oddities."""
        dice, plans = self.dice, []
        kinds = dice.deck(SHARES, size)
        shares = {code: float(row["share"]) for code, row in LANGUAGES.items()}
        languages = iter(dice.deck(shares, sum(kind in ("book", "ebook") for kind in kinds)))
        for kind in kinds:
            language = LANGUAGES[next(languages) if kind in ("book", "ebook") else "eng"]
            first = max(int(language["first"]), FIRST_YEARS.get(kind, 0))
            likely = (w * (d + 9 >= first) for d, w in DECADES.items())
            decade = dice.weighted(list(DECADES), likely)
            year = dice.between(max(first, decade), min(2026, decade + 9))
            # Older stock was converted over the years from 1988 on, most of it early.
            wait = dice.roll() ** 2
            made = min(year + int(wait * 2.5) if year > 1987 else 1988 + int(wait * 34), 2026)
            entered = dt.date(made, dice.between(1, 12 if made < 2026 else 6), dice.between(1, 28))
            plans.append(Record(kind, entered, language, year))
        plans.sort(key=lambda r: r.entered)
        plain = [r for r in plans if r.kind == "book" and r.language["code"] == "eng"]
        modern = [r for r in plain if r.year >= 2012]
        oddities = [(modern, ("long", "emoji0", "emoji1")), (plain[5::9], ("short", "empty"))]
        oddities += [(plain[-32:-4:5], ("again",) * 6)]
        for records, specials in oddities:
            for record, special in zip(records, specials, strict=False):
                record.special = record.special or special
        for record in (r for r in plans if r.language["code"] != "eng"):
            if not record.language["script"] and record.entered.year < 2000:
                record.special = dice.maybe(0.3, "nfd")
        return plans

    def describe(self, record: Record, number: int) -> None:
        """Fill a record with the fields of its kind."""
        dice, made, values = self.dice, record.entered, record.values
        changed = made + (LAST_DAY - made) * dice.roll() ** 3
        hour, minute, second = dice.between(8, 17), dice.between(0, 59), dice.between(0, 59)
        source, rda, kind = dice.pick(("XxMAC", "XxMAC", "XxEVL")), made.year > 2012, record.kind
        values |= {
            "control": f"mac{number:08}",
            "stamp": f"{changed:%Y%m%d}{hour:02}{minute:02}{second:02}.0",
            "oclc": f"99{dice.between(10**7, 10**8 - 1)}",
            "legacy": f"b{dice.between(10**6, 10**7 - 1)}" if made.year < 1998 else "",
            "source": source,
            "made": "‡beng‡erda" if rda else "‡beng" if made.year > 1999 else "",
            "changed": "XxMAC" if source != "XxMAC" else dice.maybe(0.3, "XxEVL"),
            "rda": "y" * rda,
            "typed": "y" * rda or dice.maybe(0.4),
            "old": "y" * (made.year < 2005),
            "fast": "y" * (made.year > 2009) or dice.maybe(0.3),
            "ddc_edition": str(bisect.bisect([1989, 1996, 2003, 2011], made.year) + 19),
            "lc": dice.pick((" 4", "00")),
            "bought": f"{made.month}/{made.day}/{made.year}",
            "kind": kind.upper(),
            record.special: "y",
        }
        values |= next(row for row in rows(data.CARRIERS) if row["kind_of"] == kind)
        if record.special == "short":
            record.level = "3"
            record.fix(f"s{record.year}", "xx", f"{'000 0 ':>17}")
            record.emit("short", dice)
            return
        groups = getattr(self, "book" if kind == "ebook" else kind)(record)
        entry = [k for k in ("lead", "body", "meeting") if values.get(k)]
        values |= {"first": "1" if entry else "0", "year": str(record.year)}
        values["skip"] = nonfiling(record.language, values["title"])
        record.own["skip"] = nonfiling(record.language, record.own.get("title", ""), own=True)
        for group in ("all", *groups.split(), kind):
            record.emit(group, dice)
        copies = 0 if kind in ("ebook", "serial") else dice.weighted([1, 2, 3], [8, 3, 1])
        for copy in range(1, copies + 1):
            digits = f"31234{next(self.barcodes):08}"
            doubled = "".join(str(int(d) * 2 % 9 or int(d)) for d in digits[::2])
            check = check_digit(doubled + digits[1::2], (1,), 10)
            branch = dice.pick(("MAIN", "MAIN", "EAST", "ANNEX"))
            values |= {"barcode": digits + check, "copy": str(copy), "branch": branch}
            record.emit("copy", dice)

    def person(self, language: Row, year: int) -> Person:
        """Choose somebody who could have written in that year, known already or new."""
        dice, code = self.dice, language["code"]
        known = self.people[code]
        fitting = [p for p in known if 26 <= year - p.born <= 72]
        if fitting and dice.chance(0.3):
            return dice.pick(fitting)
        born = year - dice.between(28, 62)
        if code == "eng":
            forenames = data.OLD_FORENAMES if born < 1925 else data.NEW_FORENAMES
            name = f"{dice.line(data.SURNAMES)}, {dice.line(forenames)}"
        else:
            names = next(r for r in rows(data.NAMES) if r["language"] == code)["names"].split("; ")
            name = names[len(known) % len(names)]
        name, _, own = name.partition("=")
        name, own = romanized(name), own or (name if romanized(name) != name else "")
        died = born + dice.between(64, 95)
        dates = f"{born}-{died}" if died < 2022 else f"{born}-"
        again = any(p.name == name for p in known)
        person = Person(code, name, own, born, dates if again or dice.chance(0.75) else "")
        known.append(person)
        return person

    def located(self, title: Row, sorts: str, code: str) -> tuple[Row, Row | None]:
        """Put a place into a title that wants one; return the title and the place."""
        if "{place}" not in "".join(title.values()):
            return title, PLACES.get(title.get("place", ""))
        phrases = [p for p in rows(data.PLACE_PHRASES) if p["language"] == code]
        pairs = [(p["place"], p["phrase"]) for p in phrases]
        pairs = pairs or [(p["key"], p["name"]) for p in PLACES.values()]
        fitting = [pair for pair in pairs if set(PLACES[pair[0]]["sorts"]) & set(sorts)]
        key, phrase = self.dice.pick(fitting or pairs)
        named = {k: v.replace("{place}", phrase) for k, v in title.items()}
        return named | {"title": named["title"][0].upper() + named["title"][1:]}, PLACES[key]

    def house(self, code: str, year: int) -> Row:
        """Choose a publisher that was at work in that year."""
        houses = [p for p in PUBLISHERS if p["language"] == code]
        return self.dice.pick([p for p in houses if int(p["start"]) <= year <= int(p["end"])])

    def core(self, house: Row) -> str:
        """Return the nine digits of a new ISBN from the publisher's block."""
        digits = house["isbn"].replace("-", "")
        return digits + f"{self.dice.between(1, 10**9):010}"[1 + len(digits) :]

    def work(self, language: Row, year: int, special: str) -> Work:
        """Invent a book: what it is about, its title, its authors and its publisher."""
        dice, code, found = self.dice, language["code"], []
        pool = [row for row in TITLES if row["language"] == code]
        odd = [row for row in rows(data.ODD_TITLES) if row["special"] == special]
        if odd:
            pool = odd
        elif code == "eng" and year > 1950 and not special and dice.chance(0.1):
            pool = rows(data.TRANSLATIONS)
        for row in pool:
            match = re.fullmatch(r"(\w+)@?(\w*)>?(\d*)<?(\d*)", row["topic"])
            key, place, first, last = match.groups() if match else ("", "", "", "")
            topic = TOPICS[key]
            if max(int(topic["first"]), int(first or 0)) <= year < int(last or 9999):
                era = bisect.bisect([1920, 1950, 1980, 2000], year)
                weight = float(topic["weights"].split(",")[era])
                weight *= 3 if "{span}" in row.get("sub", "") else 1
                weight /= 1 + 60 * self.used[row["title"]]
                found.append((topic, row | {"place": place}, weight))
        siblings = Counter(topic["key"] for topic, _, _ in found)
        topic, title, _ = dice.weighted(found, [w / siblings[t["key"]] for t, _, w in found])
        name = title.get("original") or title["title"]
        self.used[title["title"]] += 1
        title, place_row = self.located(title, topic["sorts"], code)
        until = year - dice.between(3, 20)
        span = f"{max(1850, until - dice.between(20, 60))}-{until}"
        span = span if "{span}" in title.get("sub", "") else ""
        title["sub"] = title.get("sub", "").replace("{span}", span)
        publisher = self.house(code, year)
        work = Work(language, year, topic, title, place_row, span, publisher, self.core(publisher))
        work.original = title if "original" in title else None
        bodies = [b["name"] for b in BODIES if b["topic"] == topic["key"]]
        topical = topic["heading"] and "," not in topic["heading"] and not special
        if special == "long":
            work.meeting = "Harrow Lake Colloquium on Town and Country"
        elif topical and code == "eng" and year > 1930 and not work.original and dice.chance(0.05):
            work.meeting = f"{dice.line(data.MEETINGS)} on {topic['heading'].title()}"
            sub = f"papers of the {work.meeting.split(' on ')[0]}"
            work.title = {"title": topic["heading"], "sub": sub}
            work.span, work.place = "", None
        elif bodies and code == "eng" and not place_row and not work.original and dice.chance(0.6):
            work.body = dice.pick(bodies)
        else:
            lone = bool(work.original) or not topic["heading"]
            work.edited = code in data.EDITED_BY and not lone and dice.chance(0.2)
            several = 2 if work.edited or (not lone and dice.chance(0.18)) else 1
            source = LANGUAGES[title.get("language", code)]
            people = list({self.person(source, year): None for _ in range(several)})
            # A title that comes back in another edition or language keeps its authors.
            before = self.authors.setdefault(name, people)
            latest = 80 if topic["heading"] and not work.original else 200
            kept = all(22 <= year - person.born <= latest for person in before)
            work.people = before if kept and work.edited == (len(before) > 1) else people
        return work

    def imprint(self, record: Record, house: Row) -> None:
        """Set place, publisher and date, the way the record's rules have it."""
        year = date = str(record.year)
        if record.entered.year < 2013 and self.dice.chance(0.4):
            date = f"[{year}?]" if record.year < 1915 else f"c{year}"
        record.values |= {"city": house["city"], "publisher": house["name"], "date": date}
        record.values["modern"] = "y" * (record.year > 1960)
        if house.get("own") and house.get("own_city"):
            record.own |= {"publisher": house["own"], "city": house["own_city"]}

    def shelve(self, record: Record, shelf: str, label: str, ddc: str, *marks: str) -> None:
        """Set the class numbers; the last mark stands for the item."""
        cutters = [f"{initial(mark)}{self.dice.between(12, 98)}" for mark in marks]
        item = cutters[-1] if len(cutters) > 1 else f".{cutters[0]}"
        label = f"{label}.{cutters[0]}" if len(cutters) > 1 else label
        record.values |= {"shelf": shelf, "class": label, "item": item, "ddc": ddc}

    def subjects(self, work: Work, form: str = "") -> Row:
        """Return what the subject fields of a work say."""
        dice, topic, place = self.dice, work.topic, work.place
        if not topic["heading"]:
            anywhere = dice.pick(list(PLACES.values()))["heading"]
            anywhere = anywhere if work.language["code"] == "eng" else ""
            heads = dice.shuffled(data.FICTION_SUBJECTS.split(";"))
            subjects = {"fiction_subject": heads[0], "fiction_subject_too": heads[1]}
            genre = data.TOLD_GENRES.get(work.title["sub"]) or dice.line(data.FICTION_GENRES)
            return subjects | {"fiction_place": anywhere, "fiction_genre": genre}
        first = int(topic["first"])
        century = "21st" if first > 1985 else "19th" if work.year < 1925 else "20th"
        era = dice.maybe(0.6, f"{century} century")
        told = topic["aspects"] and first < 1950 and dice.chance(0.45)
        past = "‡xHistory" if work.span or told else ""
        past += f"‡y{era}" if past and era else ""
        other = dice.maybe(0.6, "‡x" + dice.line(topic["aspects"])).removesuffix("‡x")
        facet = dice.line(topic["facets"])
        facet += f"‡y{era}" if era and re.search("History|(Social|Economic) cond", facet) else ""
        path = "‡z" + place["path"].replace(";", "‡z") if place else ""
        related = [r.replace("--", "‡x") for r in dice.shuffled(topic["related"].split(";"))]
        found: dict[str, str] = {}
        for row in rows(data.SUBJECT_PEOPLE):
            if row["topic"] == topic["key"] and dice.chance(0.3):
                found["subject_person"] = f"{row['name']},‡d{row['dates']}"
        for row in BODIES:
            plain = work.language["code"] == "eng" and not form
            if row["topic"] == topic["key"] and plain and dice.chance(0.3):
                found["subject_body"] = row["name"]
        if place:
            found |= {"place": place["heading"], "place_gnd": place["gnd"], "gac": place["gac"]}
        return found | {
            "heading": topic["heading"],
            "path": path,
            "aspect": (past or other) + (form or "‡vCongresses" * bool(work.meeting)),
            "history": past,
            "form": form,
            "facet": facet,
            "related": related[0],
            "related_too": related[1],
            "path_again": path if dice.chance(0.5) and "‡x" not in related[0] else "",
            "fast_place": path.replace("‡z", "‡a", 1),
            "span": work.span,
            "german": "y" if work.language["code"] == "ger" or dice.chance(0.08) else "",
            "gnd": topic["gnd"],
        }

    def numbers(self, record: Record, work: Work, core: str) -> None:
        """Set the ISBNs: 13 digits, 10 where the book is older, some of them cancelled."""
        dice, whole, year = self.dice, isbn(core), record.year
        if year < 1970:
            return
        block = work.publisher["isbn"]
        parts = f"978-{block}-{core[len(block) - 1 :]}-{whole[-1]}"
        bound = dice.pick(("hardcover", "paperback"))
        record.values |= {
            "isbn": whole if year > 2006 or record.kind == "ebook" else dice.maybe(0.6, whole),
            "isbn10": core + check_digit(core, range(10, 1, -1), 11) if year < 2007 else "",
            "hyphenated": parts if record.special == "again" else "",
            "wrong": whole[:-1] + str((int(whole[-1]) + 3) % 10),
            "print_isbn": isbn(work.core if core != work.core else self.core(work.publisher)),
            "binding": bound,
            "bound": {"hardcover": "hbk.", "paperback": "pbk."}[bound],
            "price": dice.maybe(0.25, f"${dice.between(4, 60)}.95"),
        }

    def notes(self, record: Record, work: Work) -> None:
        """Set the contents note and the summary of a book."""
        dice, text = self.dice, TEXTS.get(work.topic["key"])
        told = dice.chance(0.5 if record.entered.year > 1994 else 0.1)
        if not text:
            summary = dice.line(data.FICTION_SUMMARIES) if work.topic["key"] == "fict" else ""
        else:
            past = work.topic["facets"] and int(work.topic["first"]) < 1950
            further = data.HISTORICAL_SENTENCES if past else data.GENERAL_SENTENCES
            summary = f"{text['summary']} {dice.line(further)}"
            chapters = ["Introduction", *text["chapters"].split(";")][dice.between(0, 1) :]
            if work.language["code"] == "eng" and dice.chance(0.35):
                record.values["chapters"] = " -- ".join(chapters)
        note = dice.line(data.NOTES) if work.language["code"] == "eng" else ""
        record.values |= {"summary": summary * told, "note": note}

    def proceedings(self, record: Record) -> None:
        """Append the long notes of a conference volume, split to fit the longest field."""
        dice, papers, english = self.dice, [], LANGUAGES["eng"]
        titles = [t for t in TITLES if t["language"] == "eng" and "{place}" in "".join(t.values())]
        titles = [t for t in titles if "<" not in t["topic"] and "covid" not in t["topic"]]
        for number in range(1, 181):
            title = dice.pick(titles)
            title, _ = self.located(title, TOPICS[re.split("[>@]", title["topic"])[0]]["sorts"], "eng")
            text = re.sub(", {span}| : $", "", f"{title['title']} : {title['sub']}")
            speaker = self.person(english, record.year).natural()
            papers.append(f"‡g{number}.‡t{text} /‡r{speaker}")
        for start in range(0, 180, 60):
            body = " --".join(papers[start : start + 60]) + "."
            record.fields.append(("505", "80" if start else "00", body))
        for row in (r for r in TEXTS.values() if TOPICS[r["topic"]]["facets"]):
            general = " ".join(dice.shuffled(data.HISTORICAL_SENTENCES.strip().split("\n"))[:3])
            papers_on = row["chapters"].replace(";", ", ").lower()
            body = f"‡aOne session. {row['summary']} Papers on: {papers_on}. {general}"
            record.fields.append(("520", "3 ", body))

    def book(self, record: Record) -> str:
        """Describe a printed or an electronic book."""
        dice, values, own, electronic = self.dice, record.values, record.own, record.kind == "ebook"
        again = record.special == "again"
        first = 1985 if again else FIRST_YEARS["ebook"]
        known = [b for b in self.books if b.language is record.language and b.year >= first]
        known = [b for b in known if not self.used[b.control]]
        printed = None
        if known and (again or (electronic and dice.chance(0.5))):
            printed = dice.pick(known)
            self.used[printed.control] += 1
        work = printed or self.work(record.language, record.year, record.special)
        record.year, record.level = work.year, "7" if again else record.level
        if not printed and not electronic:
            work.control = values["control"]
            self.books.append(work)
        language, title, topic, people = work.language, work.title, work.topic, work.people
        code, literary, rda = language["code"], not topic["heading"], bool(values["rda"])
        core = self.core(work.publisher) if printed and electronic else work.core
        self.numbers(record, work, core)
        self.imprint(record, work.publisher)
        self.notes(record, work)

        # Names, and the statement of responsibility.
        lead = people[0] if people and not work.edited else None
        role = "author" if rda else ""
        others = [(p, "editor" if work.edited else role) for p in people[bool(lead) :]]
        by = "{n}" if code == "eng" and (rda or work.original) else language["by"]
        by = f"{data.EDITED_BY[code]} {{n}}" if work.edited else by
        by = by.format(n=data.AND.get(code, ", ").join(p.natural() for p in people))
        by = by if people else work.body
        if work.original:
            source, translator = LANGUAGES[title["language"]], work.translator
            translator = work.translator = translator or self.person(language, work.year)
            by += f" ; translated from the {source['name']} by {translator.natural()}"
            others.append((translator, "translator"))
            article = int(nonfiling(source, title["original"]))
            uniform = title["original"][article:]
            values |= {"from": source["code"], "uniform": uniform[0].upper() + uniform[1:]}
        if title.get("own"):
            native = ", ".join(p.natural(own=True) for p in people)
            own |= {"title": title["own"], "sub": title.get("own_sub", "")}
            own |= {"by": language["own_by"].format(n=native), "edition": language["own_edition"]}
        if lead:
            record.name("lead", lead, role)
        for key, (person, part) in zip(("second", "third"), others, strict=False):
            record.name(key, person, part)

        # What a second description repeats, the rest, and the 008 field.
        if not work.facts:
            own_series = [r for r in rows(data.SERIES) if r["house"] in work.publisher["name"]]
            series = dice.pick(own_series or [{}])
            series = series if dice.chance(0.35) else {}
            look = dice.chance(0.1 if literary else 0.6)
            front, cited = dice.pick(("", "", "viii, ", "xii, ", "xvi, ")), dice.chance(0.55)
            us = work.publisher["country"] in ("nyu", "mau", "ilu", "cau") and not electronic
            towns = [place for place in PLACES.values() if "u" in place["sorts"]]
            number = f"{work.year}9{values['control'][-5:]}"
            number = f"   {number[2:]} " if work.year < 2001 else f"  {number}"
            work.facts = self.subjects(work) | {
                **(dice.pick(rows(data.ILLUSTRATIONS)) if look else {}),
                "pages": f"{front}{dice.between(56, 430)}",
                "size": str(dice.between(17, 30)),
                "sources": "" if literary else "y" * cited,
                "index": "y" if cited and not literary and dice.chance(0.7) else "",
                "series": series.get("title", ""),
                "own_series": series.get("own", ""),
                "volume": str(dice.between(1, 60)),
                "traced": dice.maybe(0.75),
                "lccn": number if us else "",
                "edition": language["edition"],
                "ordinal": dice.pick(("2nd", "3rd", "4th", "7th", "11th")),
                "held": ", ".join(reversed(dice.pick(towns)["path"].split(";"))),
            }
        values |= work.facts
        own["series"] = work.facts["own_series"]
        sub = title["sub"]
        values |= {
            "lang": code,
            "tongue": language["name"].split(",")[0],
            "title": title["title"],
            "sub": sub,
            "portion": sub[0].upper() + sub[1:] if code == "eng" and len(sub) > 25 else "",
            "by": by,
            "body": work.body,
            "meeting": work.meeting,
            "before": str(work.year - 1),
            "gmd": "[electronic resource]" if electronic and not rda else "",
            "summarized": dice.maybe(0.25) if code != "eng" and not literary else "",
            "native": dice.maybe(0.3) if language["script"] else "",
            "author": lead.name.rstrip(".") if lead else "",
            "printed": printed.control if printed else "",
        }
        form = {"poem": "p", "fict": "1"}.get(topic["key"], "0")
        form = "j" if values.get("fiction_genre") == "Short stories." else form
        middle = f"{values.get('code', ''):4} {'o' if electronic else ' '}"
        middle += f"{'b' if values['sources'] else '':4} "
        middle += f"{int(bool(work.meeting))}0{int(bool(values['index']))} {form}"
        record.fix(f"s{work.year}", work.publisher["country"], middle)
        entry = lead.name if lead else work.body or work.meeting or title["title"]
        if literary:
            home = LANGUAGES[title["language"]] if work.original else language
            ddc = home["ddc"] + ("1" if topic["key"] == "poem" else "3")
            self.shelve(record, "STACKS", home["lcc"], ddc, entry, title["title"])
        else:
            self.shelve(record, "STACKS", topic["lcc"], topic["ddc"], entry)
        if record.special == "long":
            self.proceedings(record)
            values |= {"chapters": "", "summary": "", "pages": "xxiv, 1107", "size": "26"}
        return f"text {topic['key'] if literary else 'topical'}"

    def serial(self, record: Record) -> str:
        """Describe a journal."""
        dice, values = self.dice, record.values
        pool = [r for r in rows(data.SERIALS) if int(TOPICS[r["topic"]]["first"]) <= record.year]
        row = dice.weighted(pool, [1 / (1 + 999 * self.used[r["title"]]) for r in pool])
        self.used[row["title"]] += 1
        record.language, topic = LANGUAGES[row["language"]], TOPICS[row["topic"]]
        record.year = year = max(record.year, int(record.language["first"]))
        houses = [p for p in PUBLISHERS if p["country"] == row["country"]]
        house = min(houses, key=lambda p: not int(p["start"]) <= year <= int(p["end"]))
        own_name = row.get("own_name", "")
        self.imprint(record, house | {"name": row["name"], "own": own_name})
        latest = min(record.entered.year, 2022)
        end = dice.between(year + 3, latest) if latest - year > 4 and dice.chance(0.35) else 0
        number = f"{dice.between(10**6, 4 * 10**6)}"
        number += check_digit(number, range(8, 1, -1), 11)
        values |= self.subjects(Work(record.language, year, topic, row), "‡vPeriodicals")
        values |= {"title": row["title"], "issuer": row["name"], "frequency": row["frequency"]}
        values |= {"issn": f"{number[:4]}-{number[4:]}", "size": str(dice.between(21, 30))}
        values["date"] = f"{year}-{end or ''}"
        last = f"volume {end - year + 1} ({end})" if end else ""
        values["designation"] = f"Volume 1, number 1 ({year})-{last}"
        if row.get("own"):
            record.own |= {"title": row["own"], "issuer": own_name}
        alphabet = data.ALPHABETS.get(row["language"], "b")
        middle = f"{row['code']}r p{' ' * 7}0   {alphabet}0"
        record.fix(f"{'d' if end else 'c'}{year}{end or 9999}", row["country"], middle)
        self.shelve(record, "PERIODICALS", topic["lcc"], topic["ddc"], row["title"])
        return "topical"

    def map(self, record: Record) -> str:
        """Describe a sheet map."""
        dice, values, row = self.dice, record.values, self.dice.pick(rows(data.MAPS))
        title, place = self.located(row, row["sorts"], "eng")
        house, maker = self.house("eng", record.year), self.person(record.language, record.year)
        place = place or PLACES["alps"]
        scale = int(row["scale"]) * (5 if "b" in place["sorts"] else 1)
        half = scale / 280_000  # in degrees, on a sheet some 80 cm wide
        edges, words = [], []
        for axis, letters, step in (("longitude", "WE", half), ("latitude", "NS", -0.7 * half)):
            for degrees in (float(place[axis]) - step, float(place[axis]) + step):
                letter = letters[(degrees > 0) == (letters == "WE")]
                minutes = round(abs(degrees) * 60)
                edges.append(f"{letter}{minutes // 60:03}{minutes % 60:02}00")
                words.append(f"{letter} {minutes // 60}°{minutes % 60:02}'")
        values |= dict(zip(("west", "east", "north", "south"), edges, strict=True))
        self.imprint(record, house)
        record.name("lead", maker, "cartographer" if values["rda"] else "")
        values |= {"degrees": f"{words[0]}--{words[1]}/{words[2]}--{words[3]}"}
        values |= {"title": title["title"], "by": maker.natural(), "scale": str(scale)}
        values |= {"place": place["heading"], "gac": place["gac"]}
        values["scale_text"] = f"{scale:,}"
        values |= {"size": str(dice.between(40, 70)), "width": str(dice.between(60, 100))}
        record.fix(f"s{record.year}", house["country"], f"{' ' * 7}a{' ' * 5}0")
        self.shelve(record, "MAPS", place["atlas"], "912", maker.name)
        return ""

    def music(self, record: Record, lead: Person, row: Row, middle: str, sung: bool) -> None:
        """Set what scores and recordings have in common."""
        house, rda = self.dice.pick(rows(data.MUSIC_PUBLISHERS)), record.values["rda"]
        self.imprint(record, house)
        role = "performer" if record.kind == "sound" else "composer"
        record.name("lead", lead, role if rda else "")
        initials = "".join(word[0] for word in house["name"].split())
        title, _, sub = row["title"].partition(" : ")
        word = self.dice.line(data.TITLE_WORDS)
        record.values |= {k: row.get(k, "") for k in ("heading", "genre")}
        record.values |= {"title": title.replace("{x}", word), "sub": sub.replace("{x}", word)}
        plate = f"{initials} {self.dice.between(101, 4800)}"
        record.values |= {"by": lead.natural(), "plate": plate}
        record.fix(f"s{record.year}", house["country"], middle, "eng" if sung else "zxx")
        self.shelve(record, "MUSIC", row["lcc"], row["ddc"], lead.name)

    def score(self, record: Record) -> str:
        """Describe printed music."""
        dice, values, row = self.dice, record.values, self.dice.pick(rows(data.SCORES))
        home = LANGUAGES[dice.pick(("eng", "eng", "ger", "fre", "cze", "pol", "ita"))]
        middle = f"{row['code']}a{'d' if row['parts'] else ' '}{' ' * 8}n  n"
        composer = self.person(home, record.year)
        self.music(record, composer, row, middle, row["uniform"] == "Songs")
        if ":" not in row["title"]:
            values |= {"number": str(dice.between(1, 5)), "key": dice.line(data.KEYS)}
            values["title"] += f", no. {values['number']}, in {values['key']}"
        values |= {k: row[k] for k in ("uniform", "medium", "pages", "parts")}
        values["size"] = str(dice.between(28, 32))
        values["parts"] = row["parts"] if values["rda"] else row["parts"].replace("pages", "p.")
        return ""

    def sound(self, record: Record) -> str:
        """Describe recorded music."""
        dice, values, year = self.dice, record.values, record.year
        row = dice.pick([r for r in rows(data.ALBUMS) if int(r["first"]) <= year])
        first, second = (self.person(record.language, year) for _ in range(2))
        sung = row["genre"] in ("Folk music.", "Popular music.")
        self.music(record, first, row, f"{row['code']}n {' ' * 10}n", sung)
        if second != first:
            record.name("second", second, "performer" if values["rda"] else "")
        names = dict.fromkeys((first.natural(), second.natural()))
        decade = (year - 1) // 10 * 10 + 1
        values["performers"] = " ; ".join(names)
        values["decade"] = f"{decade}-{decade + 9}" if row["heading"] in data.DATED_MUSIC else ""
        values |= {"disc": "y" * (year > 1984), "minutes": str(dice.between(38, 74))}
        values["tracks"] = row["tracks"].replace("; ", " -- ")
        values["place"] = dice.pick(list(PLACES.values()))["heading"]
        values["gmd"] = "" if values["rda"] else "[sound recording]"
        values["f007"] = values["f007"] if values["disc"] else "sd bsmennmplue"
        return ""


def main() -> int:
    """Write the sample, or with ``--check`` compare it with the file on disk."""
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Write the sample catalogue.")
    parser.add_argument("out", nargs="?", type=Path, default=root / "tests/data/sample.mrc")
    parser.add_argument("--records", type=int, default=300, help="how many (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="another sample (default: 1)")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    records = Catalogue(args.records, args.seed).records
    content = b"".join(record.encode() for record in records)
    if args.check:
        same = args.out.is_file() and args.out.read_bytes() == content
        print(f"{args.out}: {'as generated' if same else 'differs from what is generated'}")
        return 0 if same else 1
    args.out.write_bytes(content)
    print(f"{args.out}: {len(records)} records, {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What no schema of MARC 21 has, for `generate_marc21.py`.

Short names, the leader and 008 of the holdings format, and which table of a fixed field is meant.
"""

from __future__ import annotations

# Slips of the schemas.
SPELLING = {"Other Classificaton Number": "Other Classification Number"}

# Short names in place of long ones; any other name is its label in small letters.
SHORT = {
    "Antecedent/source": "antecedent",
    "Base address of data": "base_address",
    "Character coding scheme": "character_coding",
    "Configuration of playback channels": "playback_channels",
    "Date 1": "date1",
    "Date 2": "date2",
    "Date entered on file": "date_entered",
    "Descriptive cataloging rules": "cataloging_rules",
    "Direct or indirect geographic subdivision": "geographic_subdivision",
    "General retention policy": "retention_policy",
    "Groove width/groove pitch": "groove",
    "Heading use-main or added entry": "heading_use_main",
    "Heading use-series added entry": "heading_use_series",
    "Heading use-subject added entry": "heading_use_subject",
    "Kind of disc, cylinder, or tape": "disc_cylinder_or_tape",
    "Length of the implementation-defined portion": "implementation_portion",
    "Length of the length-of-field portion": "length_portion",
    "Length of the starting-character-position portion": "start_portion",
    "Literary text for sound recordings": "literary_text",
    "Method of acquisition": "acquisition_method",
    "Motion picture presentation format": "presentation_format",
    "Multipart resource record level": "multipart_level",
    "Number of copies reported": "copies_reported",
    "Numbered or unnumbered series": "series_numbering",
    "Original alphabet or script of title": "original_alphabet",
    "Original capture and storage technique": "capture_technique",
    "Place of publication, production, or execution": "country",
    "Type of record": "record_type",
    "Kind of record": "record_kind",
    "Positive/negative aspect": "polarity",
    "Production/reproduction details": "production_details",
    "Receipt or acquisition status": "receipt_status",
    "Running time for motion pictures and videorecordings": "running_time",
    "Separate or composite copy report": "copy_report",
    "Sound on medium or separate": "sound_on_medium",
    "Specific material designation": "material_designation",
    "Subfield code length": "subfield_code_count",
    "Subject heading system/thesaurus": "thesaurus",
    "Target audience": "audience",
    "Type of date/Publication status": "date_type",
}

# What MARC 21 Format for Holdings Data says of its leader and 008: places, label, codes. A # is a blank.
HOLDINGS_LEADER = """
05 Record status: c Corrected or revised; d Deleted; n New
06 Type of record: u Unknown; v Multipart item holdings; x Single-part item holdings; y Serial item holdings
17 Encoding level: 1 Holdings level 1; 2 Holdings level 2; 3 Holdings level 3; 4 Holdings level 4; \
5 Holdings level 4 with piece designation; m Mixed level; u Unknown; z Other level
18 Item information in record: i Item information; n No item information
"""
HOLDINGS_008 = """
00-05 Date entered on file
06 Receipt or acquisition status: 0 Unknown; 1 Other receipt or acquisition status; \
2 Received and complete or ceased; 3 On order; 4 Currently received; 5 Not currently received; 6 External access
07 Method of acquisition: c Cooperative or consortial purchase; d Deposit; e Exchange; f Free; g Gift; \
l Legal deposit; m Membership; n Non-library purchase; p Purchase; q Lease; u Unknown; z Other method of acquisition
08-11 Expected acquisition end date
12 General retention policy: 0 Unknown; 1 Other general retention policy; 2 Retained except as replaced by updates; \
3 Sample issue retained; 4 Retained until replaced by microform; \
5 Retained until replaced by cumulation, replacement volume, or revision; 6 Retained for a limited period; \
7 Not retained; 8 Permanently retained
13 Policy type: # No information provided; l Latest; p Previous
14 Number of units: # No information provided
15 Unit type: # No information provided; e Edition(s); i Issue(s); m Month(s); s Supplement(s); w Week(s); y Year(s)
16 Completeness: 0 Other; 1 Complete; 2 Incomplete; 3 Scattered; 4 Not applicable
17-19 Number of copies reported
20 Lending policy: a Will lend; b Will not lend; c Will lend hard copy only; l Limited lending policy; u Unknown
21 Reproduction policy: a Will reproduce; b Will not reproduce; u Unknown
22-24 Language
25 Separate or composite copy report: 0 Separate copy report; 1 Composite copy report
26-31 Date of report
"""

# Which table is meant: by leader/06 and, where a set of them is given, leader/07 (008, and the leader itself); by the
# field's own first character (006). That of the 007 is among its codes.
LEADERS = [("authority", "z", ""), ("holdings", "uvxy", ""), ("bibliographic", "abcdefghijkmnoprt", "")]
MATERIALS = [
    ("books", "a", "acdm"),
    ("books", "t", ""),
    ("computer_files", "m", ""),
    ("maps", "ef", ""),
    ("music", "cdij", ""),
    ("continuing_resources", "a", "bis"),
    ("visual_materials", "gkor", ""),
    ("mixed_materials", "p", ""),
]
OTHER_FORMATS = [("authority", "z", ""), ("holdings", "uvxy", "")]
MATERIALS_006 = [
    ("books", "at", ""),
    ("computer_files", "m", ""),
    ("maps", "ef", ""),
    ("music", "cdij", ""),
    ("continuing_resources", "s", ""),
    ("visual_materials", "gkor", ""),
    ("mixed_materials", "p", ""),
]

# Places of the leader that other formats have no or another use for.
OTHERWISE_IN_HOLDINGS = {5, 6, 7, 8, 17, 18, 19}

"""Workbooks by hand, whose every byte is known: xlsx_make.py FOLDER

Each is parts of a package, packed as ZIP; what Excel writes and other writers do not, and what nobody should.
"""
import os
import struct
import sys
import zipfile

FOLDER = sys.argv[1]
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
RELS = HEAD + f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{TYPE}officeDocument" Target="xl/workbook.xml"/></Relationships>'
FORMATS = ["General", "yyyy\\-mm\\-dd;@", "[$-407]d. mmmm yyyy h:mm", "h:mm AM/PM", "[h]:mm:ss", '0.00E+00', '#,##0.00 "days";[Red]-0', "[Blue]0", "mmm-yy", "@"]
STYLES = (HEAD + f'<styleSheet {MAIN}><numFmts count="9">' + "".join(f'<numFmt numFmtId="{164 + i}" formatCode="{f.replace(chr(34), "&quot;")}"/>' for i, f in enumerate(FORMATS)) +
          '</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>' + "".join(f'<xf numFmtId="{164 + i}"/>' for i in range(len(FORMATS))) + '<xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="46"/></cellXfs></styleSheet>')

# what Excel 2013 and later end a workbook with: an element of the same name as one of the workbook's own
EXTENSION = '<extLst><ext uri="{140A7094-0E35-4892-8432-C4D2E57EDEB5}" xmlns:x15="http://schemas.microsoft.com/office/spreadsheetml/2010/11/main"><x15:workbookPr chartTrackingRefBase="1"/></ext></extLst>'


def book(sheets, properties=""):
    """Of (name, state)."""
    return HEAD + f'<workbook {MAIN}><workbookPr {properties}/><sheets>' + "".join(f'<sheet name="{n}" sheetId="{i}" {state} r:id="rId{i}"/>' for i, (n, state) in enumerate(sheets, 1)) + "</sheets>" + EXTENSION + "</workbook>"


def relations(n):
    return (HEAD + '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">' +
            "".join(f'<Relationship Id="rId{i}" Type="{TYPE}worksheet" Target="worksheets/sheet{i}.xml"/>' for i in range(1, n + 1)) +
            f'<Relationship Id="rIdS" Type="{TYPE}styles" Target="/xl/styles.xml"/><Relationship Id="rIdT" Type="{TYPE}sharedStrings" Target="sharedStrings.xml"/></Relationships>')


def sheet(rows):
    return HEAD + f'<worksheet {MAIN}><dimension ref="A1"/><sheetData>{rows}</sheetData></worksheet>'


def texts(*items):
    return HEAD + f'<sst {MAIN}>' + "".join(f"<si>{t}</si>" for t in items) + "</sst>"


def save(name, sheets, strings=texts("<t>id</t>", "<t>v</t>"), properties="", parts=None, method=zipfile.ZIP_DEFLATED):
    """sheets: of (name, state, rows)."""
    content = {"[Content_Types].xml": HEAD + "<Types/>", "_rels/.rels": RELS, "xl/workbook.xml": book([(n, s) for n, s, _ in sheets], properties),
               "xl/_rels/workbook.xml.rels": relations(len(sheets)), "xl/styles.xml": STYLES, "xl/sharedStrings.xml": strings}
    content.update({f"xl/worksheets/sheet{i}.xml": sheet(rows) for i, (_, _, rows) in enumerate(sheets, 1)})
    content.update(parts or {})
    with zipfile.ZipFile(os.path.join(FOLDER, name), "w", method) as target:
        for part, text in content.items():
            if text is not None:
                target.writestr(part, text)


def one(name, rows, **more):
    save(name, [("S", "", rows)], **more)


def cells(number, *xml):
    return f'<row r="{number}">' + "".join(xml) + "</row>"


def text_cell(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


ID = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'


def numbered(values, style="", kind=""):
    """Rows 2, 3 ... with an id and a value."""
    return ID + "".join(cells(n, f'<c r="A{n}"><v>{n}</v></c>', f'<c r="B{n}"{style}{kind}><v>{v}</v></c>') for n, v in enumerate(values, 2))


# days of the calendar of 1900, with the day that it has and no other
one("days.xlsx", numbered([1, 59, 61, 45000, 45000.5, 2958465], ' s="1"'))
one("leap.xlsx", numbered([59, 60, 0, -1, 2958466, 61], ' s="1"'))
one("days_1904.xlsx", numbered([0, 59, 60, 43538], ' s="1"'), properties='date1904="1"')
one("times.xlsx", numbered([0, 0.5, 0.999999999, 0.25], ' s="3"'))
one("stamps.xlsx", numbered([45000, 45000.999999999, "45000.123461", 61.5], ' s="2"'))
one("durations.xlsx", numbered([1.5, 0.5, 100, -0.25], ' s="4"'))
one("builtin.xlsx", ID + cells(2, '<c r="A2" s="10"><v>45000</v></c>', '<c r="B2" s="11"><v>45000.5</v></c>'))
# numbers as they stand
NUMBERS = ["0.1", "0.30000000000000004", "1E-3", "-1.5E+20", "1.0000000000000001E-2", "12345678901234567890", "1E400", "0", "-0", "1.50", "+7", ".5", "19.989999999999998", "1001.0"]
one("numbers.xlsx", numbered(NUMBERS))
one("styled.xlsx", ID + cells(2, '<c r="A2" s="5"><v>45000</v></c>', '<c r="B2" s="6"><v>45000</v></c>') + cells(3, '<c r="A3" s="7"><v>5</v></c>', '<c r="B3" s="9"><v>6</v></c>'))
one("kinds.xlsx", ID + cells(2, '<c r="A2" t="b"><v>1</v></c>', '<c r="B2" t="str"><f>A1&amp;"x"</f><v>idx</v></c>') + cells(3, '<c r="A3" t="b"><v>0</v></c>', '<c r="B3" t="str"><f>""</f><v></v></c>') +
    cells(4, '<c r="A4" t="b"><v>1</v></c>', '<c r="B4" s="1"/>') + cells(5, '<c r="A5" t="b"><v>0</v></c>', '<c r="B5" t="inlineStr"><is><r><t>ri</t></r><r><rPr/><t xml:space="preserve">ch </t></r><rPh><t>spoken</t></rPh></is></c>') +
    cells(6, '<c r="A6"/>', '<c r="B6" t="str"><v></v></c>') + cells(7, '<c r="A7" t="b"><v>1</v></c>', '<c r="B7" t="inlineStr"><is><t>a_x000D_&#10;_x005F_x000D_</t></is></c>'))
one("errors.xlsx", ID + cells(2, '<c r="A2"><v>1</v></c>', '<c r="B2" t="e"><v>#N/A</v></c>') + cells(3, '<c r="A3"><v>2</v></c>', '<c r="B3"><v>5</v></c>') +
    cells(4, '<c r="A4"><v>3</v></c>', '<c r="B4" t="e"><v>#DIV/0!</v></c>') + "".join(cells(n, f'<c r="A{n}"><v>{n - 1}</v></c>', f'<c r="B{n}"><v>5</v></c>') for n in range(5, 20)))
one("nul.xlsx", ID + cells(2, '<c r="A2"><v>1</v></c>', text_cell("B2", "a_x0000_b")) + cells(3, '<c r="A3"><v>2</v></c>', text_cell("B3", "ok")))
# where the table is
one("placed.xlsx", cells(3, text_cell("C3", "Report of November")) + cells(5, text_cell("C5", "id"), text_cell("D5", "name"), text_cell("F5", "amount")) +
    "".join(cells(n, f'<c r="C{n}"><v>{n}</v></c>', text_cell(f"D{n}", f"n{n}"), f'<c r="F{n}"><v>{n}.5</v></c>') for n in range(6, 30)))
one("outside.xlsx", numbered([5]) + cells(3, '<c r="A3"><v>3</v></c>', '<c r="D3"><v>4</v></c>') + cells(4, '<c r="A4"><v>4</v></c>'))
one("twice.xlsx", cells(1, text_cell("B1", "x"), text_cell("C1", "x")) + "".join(cells(n, f'<c r="B{n}"><v>{n}</v></c>', text_cell(f"C{n}", "t")) for n in range(2, 9)))
one("merged.xlsx", ID + cells(2, '<c r="A2"><v>1</v></c>', text_cell("B2", "both")) + cells(3, '<c r="A3"><v>2</v></c>', '<c r="B3"/>'),
    parts={"xl/worksheets/sheet1.xml": sheet(ID + cells(2, '<c r="A2"><v>1</v></c>', text_cell("B2", "both")) + cells(3, '<c r="A3"><v>2</v></c>', '<c r="B3"/>')).replace("</sheetData>", '</sheetData><mergeCells><mergeCell ref="B2:B3"/></mergeCells>')})
one("unplaced.xlsx", '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c><v>7</v></c><c t="b"><v>1</v></c></row>')
one("prefixed.xlsx", "", parts={"xl/worksheets/sheet1.xml": sheet(numbered([5, 6])).replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?").replace('xmlns="', 'xmlns:x="')})
one("stored.xlsx", numbered([5, 6]), method=zipfile.ZIP_STORED)
save("many.xlsx", [(f"Sheet {i}", 'state="hidden"' if i == 3 else "", numbered([i]) if i < 5 else "") for i in range(1, 7)])
one("only_text.xlsx", '<row r="1"><c r="A1"><v>abc</v></c></row>')
one("before.xlsx", cells(1, text_cell("B1", "id"), text_cell("C1", "v")) + cells(2, text_cell("A2", "note"), '<c r="B2"><v>2</v></c>') + cells(3, '<c r="B3"><v>3</v></c>'))
save("alone.xlsx", [("Empty", "", ""), ("Full", "", numbered([4])), ("Sheet3", "", "<row r='4'/>")])
save("book_1.xlsx", [("Nov 2026", "", numbered([1, 2])), ("Notes", 'state="hidden"', numbered([9]))])
save("book_2.xlsx", [("Dec 2026", "", numbered([3])), ("Empty", 'state="hidden"', "")])

# -- damaged, and worse --

def bad(name, rows, **more):
    one(f"bad_{name}.xlsx", rows, **more)


bad("index", ID + cells(2, '<c r="A2" t="s"><v>2</v></c>'))
bad("negative", ID + cells(2, '<c r="A2" t="s"><v>-1</v></c>'))
bad("row", ID + cells(1048577, '<c><v>1</v></c>'))
bad("column", ID + cells(2, '<c r="XFE2"><v>1</v></c>'))
bad("place", ID + cells(2, '<c r="A3"><v>1</v></c>'))
bad("order", ID + cells(3, '<c r="A3"><v>1</v></c>') + cells(2, '<c r="A2"><v>1</v></c>'))
bad("cells", ID + cells(2, '<c r="B2"><v>1</v></c>', '<c r="A2"><v>1</v></c>'))
bad("again", ID + cells(2, '<c r="A2"><v>1</v></c>', '<c r="A2"><v>2</v></c>'))
bad("type", ID + cells(2, '<c r="A2" t="zz"><v>1</v></c>'))
bad("doctype", "", parts={"xl/worksheets/sheet1.xml": HEAD + '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>' + sheet(ID + cells(2, "<c><v>1</v></c>", text_cell("B2", "&b;")))[len(HEAD):]})
bad("deep", "", parts={"xl/worksheets/sheet1.xml": HEAD + f"<worksheet {MAIN}><sheetData>" + "<a>" * 3000000})
bad("unclosed", "", parts={"xl/worksheets/sheet1.xml": sheet(ID)[:-12]})
bad("tag", "", parts={"xl/worksheets/sheet1.xml": sheet(ID).replace("<dimension ref=\"A1\"", "<dimension ref=\"" + "A" * 3000000 + '"')})
bad("nosheet", "", parts={"xl/worksheets/sheet1.xml": None})
bad("nostrings", ID, parts={"xl/sharedStrings.xml": None})
bad("nobook", ID, parts={"xl/workbook.xml": None})
bad("text", ID + cells(2, text_cell("A2", "x" * 2000000)), strings=texts("<t>id</t>", f"<t>{'y' * 2000000}</t>"))
bad("binary", ID, parts={"_rels/.rels": RELS.replace("workbook.xml", "workbook.bin"), "xl/workbook.xml": None, "xl/workbook.bin": "x"})
with zipfile.ZipFile(os.path.join(FOLDER, "bad_archive.xlsx"), "w") as archive:
    archive.writestr("a.txt", "no workbook")
one("whole.xlsx", numbered(range(2000)))
with open(os.path.join(FOLDER, "whole.xlsx"), "rb") as file:
    WHOLE = file.read()


def write(name, data):
    with open(os.path.join(FOLDER, f"bad_{name}.xlsx"), "wb") as target:
        target.write(data)


write("cut", WHOLE[:-500])
write("half", WHOLE[:len(WHOLE) // 2])
at = WHOLE.index(b"xl/worksheets/sheet1.xml")
write("bits", WHOLE[:at + 300] + bytes([WHOLE[at + 300] ^ 4]) + WHOLE[at + 301:])
directory = WHOLE.rindex(b"PK\1\2", 0, WHOLE.rindex(b"xl/worksheets/sheet1.xml"))
write("crc", WHOLE[:directory + 16] + b"abcd" + WHOLE[directory + 20:])
write("encrypted_part", WHOLE[:directory + 8] + b"\1" + WHOLE[directory + 9:])
write("method", WHOLE[:directory + 10] + b"\x0c" + WHOLE[directory + 11:])
write("size", WHOLE[:directory + 24] + struct.pack("<I", 100) + WHOLE[directory + 28:])
write("offset", WHOLE[:directory + 42] + struct.pack("<I", 2 ** 31 - 1) + WHOLE[directory + 46:])
# a workbook with a password, and an old one, as compound files begin
compound = bytearray(4096)
compound[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
compound[30] = 9
struct.pack_into("<I", compound, 48, 1)
write("old", bytes(compound))
compound[1024 + 128:1024 + 128 + 32] = "EncryptedPackage".encode("utf-16-le")
write("password", bytes(compound))
# a gigabyte of nothing in a megabyte
with zipfile.ZipFile(os.path.join(FOLDER, "bomb.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
    for part_, text_ in {"_rels/.rels": RELS, "xl/workbook.xml": book([("S", "")]), "xl/_rels/workbook.xml.rels": relations(1), "xl/styles.xml": STYLES, "xl/sharedStrings.xml": texts("<t>id</t>", "<t>v</t>")}.items():
        archive.writestr(part_, text_)
    with archive.open("xl/worksheets/sheet1.xml", "w") as part:
        part.write(sheet(numbered([5])).encode().split(b"</sheetData>")[0])
        for _ in range(100):
            part.write(b" " * 1000000)
        part.write(b"</sheetData></worksheet>")
os.rename(os.path.join(FOLDER, "bomb.zip"), os.path.join(FOLDER, "bomb.xlsx"))

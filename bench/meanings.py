"""meanings: columns whose meaning is found, and wrongly claimed, with their headers and bare.

Each line of $PG_INGEST_DATA/meanings/*.jsonl is a column: {"header", "values", "type" or null}.  Without it columns are
drawn here: of each meaning values that python3-stdnum (where it knows the kind) holds to be right, under headers as people
write them; and columns of none: numbers, codes, identifiers without a check digit, words.
"""

import base64
import datetime
import glob
import hashlib
import importlib
import json
import os
import random
import string
import uuid

from common import connect, finish, table

DRAWN = 12              # columns of each meaning
NEGATIVES = 3000
# meaning: form (9 digit, A letter, others themselves), stdnum's module, headers
CHECKED = {
    "iban": ("DE99999999999999999999", "iban", "IBAN,iban,account iban"),
    "swiss_uid": ("CHE999999999", "ch.uid", "UID,uid"),
    "isin": ("DE9999999999", "isin", "ISIN,isin_code"),
    "issn": ("9999-9999", "issn", "ISSN,issn"),
    "isbn13": ("9789999999999", "isbn", "ISBN,isbn13"),
    "isbn10": ("999999999?", "isbn", "isbn,ISBN-10"),
    "br_cnpj": ("99999999999999", "br.cnpj", "CNPJ,cnpj"),
    "br_cpf": ("99999999999", "br.cpf", "CPF,cpf"),
    "fr_siret": ("99999999999999", "fr.siret", "SIRET,siret"),
    "imei": ("359999999999999", "imei", "IMEI,imei"),
    "ean13": ("4099999999999", "ean", "EAN,ean13,Barcode"),
    "aadhaar": ("999999999999", "in_.aadhaar", "Aadhaar,aadhaar_no"),
    "au_abn": ("99999999999", "au.abn", "ABN,abn"),
    "pl_pesel": ("99999999999", "pl.pesel", "PESEL,pesel"),
    "de_tax_id": ("99999999999", "de.idnr", "IdNr,tax_id"),
    "se_personnummer": ("990999-9999", "se.personnummer", "Personnummer,personnummer"),
    "uk_nhs": ("999 999 9999", "gb.nhs", "NHS Number,nhs_no"),
    "us_routing_number": ("099999999", "us.rtn", "ABA,routing_number"),
    "cusip": ("99999A999", "cusip", "CUSIP,cusip"),
    "sedol": ("B99999?", "gb.sedol", "SEDOL,sedol"),
    "lei": ("5493009999AAAAAAAA99", "lei", "LEI,lei_code"),
    "es_nif": ("99999999A", "es.dni", "NIF,dni"),
}
WORDS = "alpha bravo castle dune ember forest grove harbor island jungle karma lemon meadow north ocean prairie quartz river stone tiger".split()
STATES = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY".split()
COUNTRIES = "AT DE CH FR IT US GB NL BE ES PT PL CZ HU SE NO DK FI IE GR RO BG HR SI SK EE LV LT BR AR MX CA AU NZ JP CN IN ZA EG TR".split()
COUNTRIES3 = "AUT DEU CHE FRA ITA USA GBR NLD BEL ESP PRT POL CZE HUN SWE NOR DNK FIN IRL GRC ROU BGR HRV SVN SVK BRA ARG MEX".split()
CURRENCIES = "USD EUR CHF GBP JPY CAD AUD NZD SEK NOK DKK PLN CZK HUF RON BGN TRY ZAR".split()
LANGUAGES = "de en fr it es pt nl pl cs hu sv no da fi el ro bg hr sl sk et lv lt tr ru uk ja zh ko".split()
LANGUAGES3 = "deu eng fra ita spa por nld pol ces hun swe nor dan fin ell ron bul hrv slv tur rus jpn zho kor ger fre".split()
ZONES = "Europe/Vienna Europe/Berlin America/New_York Asia/Tokyo Australia/Sydney Africa/Cairo America/Lima Asia/Kolkata Europe/Paris America/Chicago".split()


def digits(rng, n):
    return "".join(rng.choice(string.digits) for _ in range(n))


def formed(rng, form):
    return "".join(digits(rng, 1) if c == "9" else rng.choice(string.ascii_uppercase) if c == "A" and form.count("A") < 12 else rng.choice("0123456789X") if c == "?" else c for c in form)


def checked(rng, form, module):
    """A value of the form that stdnum holds to be right."""
    known = importlib.import_module("stdnum." + module)
    while True:
        value = formed(rng, form)
        if known.is_valid(value):
            return value


def day(rng):
    return datetime.datetime(2015, 1, 1) + datetime.timedelta(seconds=rng.randrange(10 * 365 * 86400))


FREE = {
    "email": (lambda r: " " * r.choice([0, 0, 0, 1]) + "%s.%s%d@example.%s" % (r.choice(WORDS), r.choice(WORDS), r.randrange(1000), r.choice(["com", "org", "at"])), "E-Mail,email,contact_email"),
    "url": (lambda r: r.choice(["https://www.example.com/%s/%d ", "http://example.org/%s?id=%d"]) % (r.choice(WORDS), r.randrange(10000)), "URL,Website,link"),
    "uuid": (lambda r: str(uuid.UUID(int=r.getrandbits(128))), "id,guid"),
    "mac_address": (lambda r: ":".join("%02x" % r.randrange(256) for _ in range(6)), "mac,device"),
    "ipv4": (lambda r: ".".join(str(r.randrange(1, 255)) for _ in range(4)), "ip,client_ip"),
    "ipv6": (lambda r: ":".join("%x" % r.randrange(1, 65536) for _ in range(8)), "ip,address"),
    "sha256": (lambda r: hashlib.sha256(digits(r, 20).encode()).hexdigest(), "hash,sha256"),
    "md5": (lambda r: hashlib.md5(digits(r, 20).encode()).hexdigest(), "hash,checksum"),
    "hex_color": (lambda r: "#%06x" % r.randrange(1 << 24), "color,colour"),
    "coordinates": (lambda r: "%.5f, %.5f" % (r.uniform(-89, 89), r.uniform(-179, 179)), "location,latlng"),
    "timestamp": (lambda r: day(r).strftime("%Y-%m-%d %H:%M:%S"), "created_at,timestamp"),
    "date": (lambda r: day(r).strftime("%d.%m.%Y"), "date,due"),
    "percent": (lambda r: "%.1f %%" % r.uniform(0, 100), "share,rate"),
    "money": (lambda r: "$%s" % format(r.uniform(1, 99999), ",.2f"), "price,amount"),
    "grouped_number": (lambda r: format(r.randrange(100, 2000000), ","), "population,amount"),
    "phone_e164": (lambda r: "+%d%s" % (r.choice([1, 43, 49, 44]), digits(r, 10)), "phone,mobile"),
    "phone": (lambda r: r.choice(["(%s) %s-%s", "%s-%s-%s"]) % (str(r.randrange(201, 989)), str(r.randrange(201, 989)), digits(r, 4)), "Phone,fax"),
    "phone ": (lambda r: "%d%d%s" % (r.randrange(201, 989), r.randrange(201, 989), digits(r, 4)), "Phone,fax,phone_number"),
    "mime_type": (lambda r: r.choice(["image/png", "text/html", "application/json", "image/jpeg", "text/css", "application/pdf", "video/mp4"]), "type,mime"),
    "semantic_version": (lambda r: "%d.%d.%d" % (r.randrange(9), r.randrange(40), r.randrange(90)), "version,release"),
    "time_zone": (lambda r: r.choice(ZONES), "tz,timezone"),
    "file_path": (lambda r: "/srv/%s/%s%d.dat" % (r.choice(WORDS), r.choice(WORDS), r.randrange(99)), "path,file"),
    "domain": (lambda r: "%s%d.%s" % (r.choice(WORDS), r.randrange(99), r.choice(["com", "org", "de"])), "domain,host"),
    "uk_postcode": (lambda r: formed(r, r.choice(["AA99 9AA", "A9 9AA"])), "postcode,Post Code"),
    "us_zip4": (lambda r: "%s-%s" % (digits(r, 5), digits(r, 4)), "zip,Zip Code"),
    "us_ssn": (lambda r: "%03d-%02d-%04d" % (r.randrange(1, 600), r.randrange(1, 99), r.randrange(1, 9999)), "ssn,SSN"),
    "currency_code": (lambda r: r.choice(CURRENCIES), "currency,Currency Code"),
    "us_state": (lambda r: r.choice(STATES), "state,State Code"),
    "country_code": (lambda r: r.choice(COUNTRIES), "country,country_code"),
    "country_code3": (lambda r: r.choice(COUNTRIES3), "country,ISO3"),
    "language_code": (lambda r: r.choice(LANGUAGES), "language,lang"),
    "language_code3": (lambda r: r.choice(LANGUAGES3), "language,lang"),
    "month_name": (lambda r: day(r).strftime("%B"), "month,Month"),
    "boolean": (lambda r: r.choice(["Yes", "No"]), "active,is_open"),
    "boolean ": (lambda r: r.choice("YN"), "active,flag"),
    "json": (lambda r: json.dumps({"a": r.randrange(99), "b": r.choice(WORDS)}), "data,payload"),
    "iso_duration": (lambda r: "P%dDT%dH" % (r.randrange(30), r.randrange(24)), "duration,took"),
    "us_zip": (lambda r: "%05d" % r.randrange(501, 99950), "zip,Zip Codes"),
    "latitude": (lambda r: "%.5f" % r.uniform(-89, 89), "lat,Latitude"),
    "longitude": (lambda r: "%.5f" % r.uniform(-179, 179), "lon,Longitude"),
    "year": (lambda r: str(r.randrange(1950, 2025)), "year,Model Year"),
    "base64": (lambda r: base64.b64encode(r.randbytes(20)).decode(), "signature,blob"),
}
NONE = {
    "digits": lambda r, p: digits(r, p % 17 + 4),
    "sequence": lambda r, p: "%0*d" % (p % 10 + 6, next(SEQUENCE)),
    "letters": lambda r, p: "".join(r.choice(string.ascii_uppercase) for _ in range(p % 12 + 2)),
    "mixed": lambda r, p: "".join(r.choice(string.ascii_uppercase + string.digits) for _ in range(p % 14 + 5)),
    "code": lambda r, p: "%s-%s" % (r.choice(WORDS)[:3].upper(), digits(r, p % 5 + 3)),
    "share": lambda r, p: "%.*f" % (p % 8 + 2, r.random()),
    "real": lambda r, p: "%.2f" % r.gauss(50, 20 + p),
    "words": lambda r, p: " ".join(r.choice(WORDS) for _ in range(p % 3 + 1)),
    "interval": lambda r, p: "%.1f,  %.1f" % (r.uniform(1, 9), r.uniform(9, 20)),
    "tag": lambda r, p: "[%s%d]" % (r.choice(WORDS), r.randrange(99)),
    "lap": lambda r, p: "%d:%02d" % (r.randrange(1, 9), r.randrange(60)),
    "range": lambda r, p: "%05d-%04d" % (r.randrange(99999), r.randrange(2000, 2025)),
    "hex": lambda r, p: "%0*x" % (p % 20 + 5, r.getrandbits(100) % 16 ** (p % 20 + 5)),
    "side": lambda r, p: r.choice("NS"),
    "part": lambda r, p: "%d %s" % (r.randrange(1, 200), r.choice(["mg", "kg", "ml"])),
}
HEADERS = ["late_fee", "latency_ms", "platform_score", "market_cap", "posts_count", "runtime_ns", "destination_name", "donation_code", "airport_pet", "value", "id", "order no", "Reference",
           "relative_error", "status", "activity_number", "probability", "per_capita", "population_growth", "score", "x", "remark", "article", "batch", "group"]
SEQUENCE = iter(range(100000, 10 ** 9, 37))


def drawn():
    """Columns of each meaning, and of none."""
    rng = random.Random(11)
    for name, (form, module, headers) in CHECKED.items():
        for i in range(DRAWN):
            yield {"header": headers.split(",")[i % len(headers.split(","))], "values": [checked(rng, form, module) for _ in range(40)], "type": name}
    for name, (value, headers) in FREE.items():
        for i in range(DRAWN):
            yield {"header": headers.split(",")[i % len(headers.split(","))], "values": [value(rng) for _ in range(200)], "type": name.strip()}
    kinds = list(NONE.values())
    for i in range(NEGATIVES):
        yield {"header": HEADERS[i % len(HEADERS)], "values": [kinds[i % len(kinds)](rng, i // len(kinds)) for _ in range(rng.choice([12, 60, 200]))], "type": None}


def given(folder):
    found = sorted(glob.glob(os.path.join(folder, "*.jsonl")))
    if not found:
        raise SystemExit("there is no %s" % os.path.join(folder, "*.jsonl"))
    for path in found:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    column = json.loads(line)
                    if not isinstance(column.get("values"), list) or "type" not in column:
                        raise SystemExit("%s, line %d: a column is {\"header\", \"values\": [...], \"type\" or null}" % (path, number))
                    yield {"header": None, **column}


def as_text(value):
    return value if value is None or isinstance(value, str) else json.dumps(value)


def guesses(conn, column):
    """The meaning with the header, and without."""
    values = [v for v in column["values"] if v is not None]
    numbers = values and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    cast = "" if not numbers else "::bigint" if all(isinstance(v, int) for v in values) else "::numeric"
    return conn.execute("SELECT semantic_type(s, %%s), semantic_type(s) FROM (SELECT profile(t%s) AS s FROM unnest(%%s::text[]) t) x" % cast,
                        (column["header"], [as_text(v) for v in column["values"]])).fetchone()


def main():
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    folder = os.path.join(os.environ.get("PG_INGEST_DATA", ""), "meanings")
    own = "PG_INGEST_DATA" not in os.environ
    right, claims, false, typed, untyped, missed = [0, 0], [0, 0], [0, 0], 0, 0, {}
    for column in drawn() if own else given(folder):
        typed += column["type"] is not None
        untyped += column["type"] is None
        for i, guess in enumerate(guesses(conn, column)):
            claims[i] += guess is not None
            right[i] += guess is not None and guess == column["type"]
            false[i] += guess is not None and column["type"] is None
            if guess != column["type"]:
                key = (("bare", "with header")[1 - i], column["type"] or "none", guess or "none")
                missed[key] = missed.get(key, 0) + 1
    if missed:
        table([("", "is", "taken for", "columns")] + [k + (n,) for k, n in sorted(missed.items())])
    print("%d columns with a meaning, %d with none" % (typed, untyped))
    finish(precision=right[0] / max(claims[0], 1), recall=right[0] / max(typed, 1), precision_bare=right[1] / max(claims[1], 1), recall_bare=right[1] / max(typed, 1),
           false_per_column=false[0] / max(untyped, 1), **({"data": "own"} if own else {}))


if __name__ == "__main__":
    main()

/*
 * semantic.c
 *		Which meaning fits the distinct values of a column.
 *
 * The values are those of the sample: a random choice of the distinct ones, without blanks around.  A meaning is taken
 * if nearly all of them fit it, if they are enough, and if that would hardly happen by chance: each fitting value
 * counts the bits by which its check beats chance, and a column's name that speaks for the meaning counts HINT_BITS.
 * A name is no evidence by itself, and it speaks by whole words alone.  What is told by its form alone is never taken
 * without such a name, and not even tried on numbers with a fraction, but for degrees.  Of several meanings the first
 * in the list is taken: special ones come first.  What is a hidden type (dates, truths, amounts) is judged there.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/written.h"
#include "ingest_profile/checksum.h"
#include "ingest_profile/closed.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hidden.h"
#include "ingest_profile/hint.h"
#include "ingest_profile/network.h"
#include "ingest_profile/semantic.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')

/* A number with an optional fraction; its value if it is one */
static bool
plain_number(const char *text, int len, bool needs_point, double *value)
{
	char buffer[40];
	char *end;
	int points = 0;

	if (len == 0 || len >= sizeof(buffer))
		return false;
	for (int i = 0; i < len; i++)
	{
		points += text[i] == '.';
		if (!IS_DIGIT(text[i]) && text[i] != '.' && !(i == 0 && (text[i] == '-' || text[i] == '+')))
			return false;
	}
	if (points > 1 || (needs_point && points == 0))
		return false;
	memcpy(buffer, text, len);
	buffer[len] = '\0';
	*value = strtod(buffer, &end);
	return *end == '\0' && IS_DIGIT(text[len - 1]);
}

/* -- people and money -- */

static bool
is_us_zip(const char *text, int len)
{
	return has_form(text, len, "99999") || has_form(text, len, "99999-9999");
}

static bool
is_zip4(const char *text, int len)
{
	return has_form(text, len, "99999-9999");
}

static bool
is_phone_e164(const char *text, int len)
{
	int digits = 0;

	if (len < 8 || text[0] != '+' || text[1] == '0')
		return false;
	for (int i = 1; i < len; i++)
	{
		if (IS_DIGIT(text[i]))
			digits++;
		else if (strchr(" -.()/", text[i]) == NULL)
			return false;
	}
	return digits >= 7 && digits <= 15;
}

/* How much of it is before an extension: x123, ext. 123 */
static int
without_extension(const char *text, int len)
{
	int n = 0;

	while (n < len && text[n] != 'x' && text[n] != 'e')
		n++;
	while (n > 0 && text[n - 1] == ' ')
		n--;
	return n > 0 ? n : len;
}

/* Groups of digits as phone numbers have them: a country or an area in front, two signs at least, no ZIP+4, no decimal */
static bool
is_phone(const char *text, int len)
{
	int digits = 0;
	int marks = 0;
	bool parenthesis = false;

	len = without_extension(text, len);
	if (has_form(text, len, "999-999-9999") || has_form(text, len, "999.999.9999") || has_form(text, len, "999 999 9999"))
		return text[0] >= '2' && text[4] >= '2';
	if (has_form(text, len, "1-999-999-9999"))
		return text[2] >= '2' && text[6] >= '2';
	for (int i = 0; i < len; i++)
	{
		if (IS_DIGIT(text[i]))
			digits++;
		else if (strchr(" -.()/+", text[i]) == NULL)
			return false;
		else
		{
			parenthesis |= text[i] == '(';
			marks++;
		}
	}
	if (digits < 7 || digits > 15 || marks < 1 || marks > 6 || !IS_DIGIT(text[len - 1]))
		return false;
	if (text[0] == '+' || (text[0] == '(' && memchr(text, ')', len) != NULL))
		return true;
	/* 030/901820, 0171 1234567; a point alone is decimal */
	return text[0] == '0' && IS_DIGIT(text[1]) && digits >= 8 && (parenthesis || marks >= 2 || memchr(text, '/', len) || memchr(text, ' ', len) || memchr(text, '-', len)) &&
		   !is_zip4(text, len) && !is_date_text(text, len);
}

/* In a column that is called so: what has the digits of one, in groups or bare */
static bool
is_phone_in_column(const char *text, int len)
{
	int digits = 0;
	int marks = 0;
	int points = 0;
	int n = without_extension(text, len);

	if (n == 0 || (!IS_DIGIT(text[0]) && text[0] != '+' && text[0] != '('))
		return false;
	for (int i = 0; i < n; i++)
	{
		if (!IS_DIGIT(text[i]) && strchr(" -.()/+", text[i]) == NULL)
			return false;
		digits += IS_DIGIT(text[i]);
		marks += !IS_DIGIT(text[i]);
		points += text[i] == '.';
	}
	if (digits > 15 || !IS_DIGIT(text[n - 1]))
		return false;
	if (marks == 0)
		return digits >= 8 && (digits <= 12 || strncmp(text, "00", 2) == 0);
	return digits >= 6 && marks <= digits && !(points == 1 && marks == 1) && !is_zip4(text, n) && !is_date_text(text, n);
}

static bool
is_bic(const char *text, int len)
{
	return (has_form(text, len, "AAAAAA**") || has_form(text, len, "AAAAAA*****")) && is_country2(text + 4, 2);
}

static bool
is_ein(const char *text, int len)
{
	return has_form(text, len, "99-9999999") && strncmp(text, "00", 2) != 0;
}

static bool
is_nino(const char *text, int len)
{
	char id[IDENTIFIER_BYTES];
	int n;

	return compacted(text, len, id, &n) && has_form(id, n, "AA999999A") && strchr("DFIQUV", id[0]) == NULL &&
		   strchr("DFIQUVO", id[1]) == NULL && id[8] <= 'D' &&
		   strncmp(id, "BG", 2) != 0 && strncmp(id, "GB", 2) != 0 && strncmp(id, "ZZ", 2) != 0;
}

static bool
is_pan(const char *text, int len)
{
	return has_form(text, len, "AAAAA9999A") && strchr("ABCFGHJLPT", text[3]) != NULL;
}

static bool
is_gstin(const char *text, int len)
{
	return len == 15 && IS_DIGIT(text[0]) && IS_DIGIT(text[1]) && is_pan(text + 2, 10) && text[13] == 'Z';
}

static bool
is_uk_postcode(const char *text, int len)
{
	return has_form(text, len, "A9 9AA") || has_form(text, len, "A99 9AA") || has_form(text, len, "AA9 9AA") ||
		   has_form(text, len, "AA99 9AA") || has_form(text, len, "A9A 9AA") || has_form(text, len, "AA9A 9AA");
}

static bool
is_ca_postcode(const char *text, int len)
{
	return (has_form(text, len, "A9A 9A9") || has_form(text, len, "A9A9A9")) && strchr("DFIOQUWZ", text[0]) == NULL;
}

static bool
is_postal_code(const char *text, int len)
{
	/* A-1010, LV-1050 */
	for (int i = 1; i <= 2 && len > i + 4; i++)
	{
		if (text[i] == '-' && has_form(text, i, i == 1 ? "A" : "AA"))
			return all_digits(text + i + 1, len - i - 1) && len - i - 1 <= 6;
	}
	return has_form(text, len, "9999") || has_form(text, len, "99999") || has_form(text, len, "999999") ||
		   has_form(text, len, "99-999") || has_form(text, len, "99 999") || has_form(text, len, "999 99") || has_form(text, len, "9999 AA") ||
		   has_form(text, len, "9999-999") || has_form(text, len, "99999-999") || has_form(text, len, "999-9999") ||
		   has_form(text, len, "999 999") || has_form(text, len, "9999999") || has_form(text, len, "9999AA") ||
		   has_form(text, len, "99999999") || has_form(text, len, "A99 ****") || has_form(text, len, "A9999AAA");
}

static bool
is_iata_airport(const char *text, int len)
{
	return has_form(text, len, "AAA");
}

/* Digits with a currency sign or code before or behind */
static bool
is_money(const char *text, int len)
{
	WrittenNumber n;

	return written_number(text, len, 0, &n) && n.money;
}

static bool
is_percent(const char *text, int len)
{
	WrittenNumber n;

	return written_number(text, len, 0, &n) && n.percent;
}

/* 1,234,567.89 or 1.234.567,89, with accounting's parentheses perhaps */
static bool
is_grouped_number(const char *text, int len)
{
	WrittenNumber n;

	return written_number(text, len, 0, &n) && n.grouped && !n.money && !n.percent;
}

/* -- places and times -- */

static bool
is_latitude(const char *text, int len)
{
	double value;

	return plain_number(text, len, true, &value) && value >= -90 && value <= 90;
}

static bool
is_longitude(const char *text, int len)
{
	double value;

	return plain_number(text, len, true, &value) && value >= -180 && value <= 180;
}

static int
decimals(const char *text, int len)
{
	const char *point = memchr(text, '.', len);

	return point ? (int) (text + len - point) - 1 : 0;
}

/* Intervals and the like have fewer decimals than places */
static bool
is_coordinates_of(const char *text, int len, int least)
{
	const char *comma;
	const char *second;

	if (len > 2 && text[0] == '(' && text[len - 1] == ')')
	{
		text++;
		len -= 2;
	}
	comma = memchr(text, ',', len);
	if (comma == NULL)
		return false;
	second = comma + 1;
	while (second < text + len && *second == ' ')
		second++;
	return is_latitude(text, (int) (comma - text)) && is_longitude(second, (int) (text + len - second)) &&
		   Max(decimals(text, (int) (comma - text)), decimals(second, (int) (text + len - second))) >= least;
}

static bool
is_coordinates(const char *text, int len)
{
	return is_coordinates_of(text, len, 4);
}

static bool
is_coordinates_in_column(const char *text, int len)
{
	return is_coordinates_of(text, len, 1);
}

static bool
is_wkt(const char *text, int len)
{
	static const char *const kinds[] = {"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTIPOLYGON", "MULTILINESTRING", "GEOMETRYCOLLECTION"};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		int n = (int) strlen(kinds[i]);

		if (len > n + 2 && strncmp(text, kinds[i], n) == 0 && (text[n] == '(' || text[n] == ' '))
			return true;
	}
	return false;
}

static bool
is_iso_duration(const char *text, int len)
{
	bool digit = false;

	if (len < 3 || text[0] != 'P')
		return false;
	for (int i = 1; i < len; i++)
	{
		if (IS_DIGIT(text[i]) || text[i] == '.')
			digit = true;
		else if (strchr("YMWDTHS", text[i]) == NULL || (text[i] != 'T' && !IS_DIGIT(text[i - 1])))
			return false;
	}
	return digit && !IS_DIGIT(text[len - 1]);
}

static bool
is_year(const char *text, int len)
{
	return len == 4 && all_digits(text, 4) && digits_value(text, 4) >= 1500 && digits_value(text, 4) <= 2100;
}

/* In any language; a day of the week is none */
static bool
is_month_name(const char *text, int len)
{
	int n;
	const NameSense *senses;
	int digits = (int) strspn(text, "0123456789");

	/* 3月, 3월 */
	if (digits >= 1 && digits <= 2 && len == digits + 3 && (strncmp(text + digits, "\346\234\210", 3) == 0 || strncmp(text + digits, "\354\233\224", 3) == 0))
		return digits_value(text, digits) >= 1 && digits_value(text, digits) <= 12;

	if (len > 1 && text[len - 1] == '.')
		len--;
	if (len < 3)
		return false;
	senses = month_name_find(text, len, &n);
	for (int i = 0; i < n; i++)
	{
		if (senses[i].month != NO_MONTH)
			return true;
	}
	return false;
}

/* 2024-03, 03/2024, 202403, 2024-Q1, Q1 2024, Mar 2024 */
static bool
is_period(const char *text, int len)
{
	if (has_form(text, len, "9999-99") || has_form(text, len, "9999/99"))
		return is_year(text, 4) && digits_value(text + 5, 2) >= 1 && digits_value(text + 5, 2) <= 12;
	if (has_form(text, len, "99/9999") || has_form(text, len, "99-9999") || has_form(text, len, "99.9999"))
		return is_year(text + 3, 4) && digits_value(text, 2) >= 1 && digits_value(text, 2) <= 12;
	if (has_form(text, len, "999999"))
		return is_year(text, 4) && digits_value(text + 4, 2) >= 1 && digits_value(text + 4, 2) <= 12;
	if (has_form(text, len, "9999-Q9") || has_form(text, len, "9999Q9") || has_form(text, len, "9999 Q9"))
		return is_year(text, 4) && text[len - 1] >= '1' && text[len - 1] <= '4';
	if (has_form(text, len, "Q9 9999"))
		return is_year(text + 3, 4) && text[1] >= '1' && text[1] <= '4';
	return len >= 8 && text[len - 5] == ' ' && is_year(text + len - 4, 4) && is_month_name(text, len - 5);
}

/* Seconds or milliseconds since 1970, between 2001 and 2100 */
static bool
is_epoch(const char *text, int len)
{
	return (len == 10 || len == 13) && all_digits(text, len) && digits_value(text, 2) >= 10 && digits_value(text, 2) < 42;
}

static bool
is_geojson(const char *text, int len)
{
	return len > 20 && text[0] == '{' && strstr(text, "\"type\"") != NULL &&
		   (strstr(text, "\"coordinates\"") != NULL || strstr(text, "\"Feature") != NULL);
}

/* -- the list: the first that fits is taken -- */

const SemanticType semantic_types[] = {
	{"email", is_email, 12, 5, "email,mail,emailaddress", "e-mail address"},
	{"jwt", is_jwt, 30, 2, "jwt,token", "JSON Web Token"},
	{"url", is_url, 16, 5, "url,uri,link,website,web,homepage,href,site,webpage,www", "URL with its scheme, or beginning with www.", is_url_or_domain},
	{"uuid", is_uuid, 30, 2, "uuid,guid", "UUID, in any version"},
	{"mac_address", is_mac, 16, 3, "mac,macaddress", "MAC address"},
	{"cidr", is_cidr, 10, 5, "cidr,network,subnet", "network in CIDR notation"},
	{"ipv4", is_ipv4, 8, 5, "ip,ipv4,ipaddress,address", "IPv4 address"},
	{"ipv6", is_ipv6, 10, 5, "ip,ipv6,ipaddress,address", "IPv6 address"},
	{"ip_address", is_ip, 8, 5, "ip,ipaddress,address", "IPv4 or IPv6 address"},
	{"iban", is_iban, 12, 5, "iban", "IBAN: length of its country, modulo 97"},
	{"sepa_creditor", is_sepa_creditor, 6.6, 10, "!creditor,sepa,glaubiger", "SEPA creditor identifier: modulo 97"},
	{"eu_vat", is_eu_vat, 6, 5, "vat,uid,ustid,tva,vatin", "VAT number of an EU country, each with its own check"},
	{"swiss_uid", is_ch_uid, 6, 5, "uid", "Swiss company number: modulo 11"},
	{"lei", is_lei, 6.6, 5, "lei", "legal entity identifier: modulo 97"},
	{"isin", is_isin, 4.7, 8, "isin", "ISIN: Luhn over letters as numbers, a country in front"},
	{"vin", is_vin, 3.4, 9, "vin,chassis", "vehicle identification number with its check digit"},
	{"italian_tax_code", is_codice_fiscale, 4.7, 8, "fiscale,codicefiscale,cf", "codice fiscale"},
	{"credit_card", is_credit_card, 4.5, 8, "card,creditcard,pan,cc", "payment card: known prefix and length, Luhn"},
	{"isbn13", is_isbn13, 5, 8, "isbn,isbn13,ean", "ISBN-13"},
	{"swiss_ahv", is_ahv, 10, 5, "ahv,avs", "Swiss AHV number"},
	{"issn", is_issn, 3.4, 9, "issn", "ISSN: modulo 11"},
	{"br_cnpj", is_cnpj, 6.6, 5, "cnpj", "Brazilian company number"},
	{"br_cpf", is_cpf, 6.6, 5, "cpf", "Brazilian person number"},
	{"fr_siret", is_siret, 6.6, 5, "siret", "French establishment number: Luhn, twice"},
	{"gtin14", is_gtin14, 3.3, 10, "gtin,gtin14", "GTIN-14"},
	{"sscc", is_sscc, 3.3, 10, "sscc", "serial shipping container code"},
	{"imei", is_imei, 3.3, 10, "imei", "IMEI: Luhn over 15 digits"},
	{"ean13", is_ean13, 3.3, 10, "ean,ean13,gtin,barcode", "EAN-13"},
	{"upc_a", is_upc, 3.3, 10, "upc,barcode", "UPC-A"},
	{"in_gstin", is_gstin, 8, 5, "gstin,gst", "Indian GST number"},
	{"in_pan", is_pan, 4, 8, "pan", "Indian PAN"},
	{"aadhaar", is_aadhaar, 3.3, 10, "aadhaar,uid", "Indian Aadhaar: Verhoeff"},
	{"au_abn", is_abn, 6.5, 5, "abn", "Australian business number: modulo 89"},
	{"pl_pesel", is_pesel, 5, 8, "pesel", "Polish PESEL: birthday and modulo 10"},
	{"de_tax_id", is_steuer_id, 5, 8, "tax,steuer,idnr", "German tax number of a person"},
	{"se_personnummer", is_personnummer, 5, 8, "personnummer", "Swedish person number: birthday and Luhn"},
	{"uk_nino", is_nino, 6, 5, "nino,ni", "UK national insurance number"},
	{"es_nif", is_dni, 4.5, 8, "nif,dni,nie", "Spanish DNI or NIE: modulo 23"},
	{"us_ssn", is_ssn, 4, 8, "ssn", "US social security number, with its dashes"},
	{"us_ein", is_ein, 4, 8, "!ein,employer,tax,fein", "US employer number, with its dash"},
	{"us_npi", is_npi, 4.3, 10, "npi", "US national provider identifier"},
	{"uk_nhs", is_nhs, 3.5, 10, "nhs", "UK NHS number: modulo 11"},
	{"isbn10", is_isbn10, 3.4, 10, "isbn,isbn10", "ISBN-10: modulo 11"},
	{"us_routing_number", is_aba, 5, 8, "aba,routing,rtn", "US bank routing number (ABA)"},
	{"nl_bsn", is_bsn, 3.5, 10, "!bsn,sofi,burger", "Dutch BSN: modulo 11"},
	{"fr_siren", is_siren, 3.3, 10, "!siren", "French company number: Luhn"},
	{"ca_sin", is_sin, 3.3, 10, "!sin,nas", "Canadian social insurance number: Luhn", is_sin_in_column},
	{"cusip", is_cusip, 3.3, 10, "cusip", "CUSIP"},
	{"ean8", is_ean8, 3.3, 10, "ean,ean8,gtin,barcode", "EAN-8"},
	{"sedol", is_sedol, 3.3, 10, "sedol", "SEDOL"},
	{"bic", is_bic, 1.4, 22, "bic,swift", "BIC (SWIFT code): form and country"},
	{"geojson", is_geojson, 20, 3, "geojson,geometry,geom,shape", "GeoJSON"},
	{"json", is_json_document, 12, 3, "json", "JSON object or array"},
	{"xml", is_xml, 12, 3, "xml,html", "XML or HTML"},
	{"wkt", is_wkt, 20, 3, "wkt,geometry,geom,shape", "well-known text of a geometry"},
	{"sha256", is_sha256, 30, 2, "sha256,hash", "SHA-256 digest in hex"},
	{"sha1", is_sha1, 30, 2, "sha1,hash", "SHA-1 digest in hex"},
	{"md5", is_md5, 30, 2, "md5,hash", "MD5 digest in hex"},
	{"hex_color", is_hex_color, 10, 3, "color,colour,hex", "colour as #rrggbb"},
	{"coordinates", is_coordinates, 10, 5, "coordinate,location,latlon,latlng,latlong,position,geo,gps,point", "latitude and longitude", is_coordinates_in_column},
	{"timestamp", is_timestamp_text, 12, 5, "timestamp,datetime", "date and time as text"},
	{"date", is_date_text, 8, 5, "date,datum,day", "date as text"},
	{"iso_duration", is_iso_duration, 8, 4, "duration", "ISO 8601 duration"},
	{"period", is_period, 5, 6, "period,month,quarter,yearmonth", "accounting period: month or quarter of a year"},
	{"month_name", is_month_name, 10, 4, "month,monat,mois,mes,mese,maand,miesiac,mesic,manad,kuukausi", "name of a month"},
	{"percent", is_percent, 8, 5, "percent,percentage,pct,rate,share", "percentage with its sign"},
	{"money", is_money, 8, 5, "amount,price,cost,salary,total,fee,value", "amount with its currency"},
	{"grouped_number", is_grouped_number, 5, 8, "amount,population,total,count", "number with thousands separators"},
	{"phone_e164", is_phone_e164, 8, 5, "-phone,telephone,tel,mobile,fax,cell,telefon,telefax,telefono,telefone,telefoon,msisdn,phonenumber,mobil,handy,telefonnummer,mobilnummer,telefonnr,celular", "phone number with its country"},
	{"phone", is_phone, 5, 8, "-phone,telephone,tel,mobile,fax,cellphone,cellular,cellnumber,cellno,telefon,telefax,telefono,telefone,telefoon,phonenumber,mobil,hotline,handy,telefonnummer,mobilnummer,telefonnr,celular", "national phone number", is_phone_in_column},
	{"mime_type", is_mime_type, 12, 3, "mime,mimetype,contenttype,media", "MIME type"},
	{"semantic_version", is_semver, 6, 5, "version,semver,release", "semantic version"},
	{"time_zone", is_time_zone, 16, 3, "timezone,tz,zone", "IANA time zone"},
	{"language_tag", is_language_tag, 8, 4, "language,lang,locale,sprache,langue,idioma,lingua", "BCP 47 language tag"},
	{"cron", is_cron, 8, 4, "cron,schedule", "cron schedule"},
	{"file_path", is_file_path, 6, 5, "path,file,filepath,filename,directory,folder", "path of a file"},
	{"domain", is_domain, 6, 5, "domain,host,hostname,server,fqdn", "domain name", is_domain_in_column},
	{"uk_postcode", is_uk_postcode, 6, 5, "postcode,postal,zip,postalcode", "UK postcode"},
	{"ca_postcode", is_ca_postcode, 6, 5, "postcode,postal,zip,postalcode", "Canadian postal code"},
	{"us_zip4", is_zip4, 6, 5, "!zip,zip4,zipcode,postal,postalcode", "US ZIP+4 code"},
	{"currency_code", is_currency, 6.6, 3, "currency,curr,ccy,currencycode,waehrung,wahrung,devise,moneda,moeda,valuta,waluta,origin,destination,dest", "ISO 4217 currency code", is_currency_in_column},
	{"us_state", is_us_state, 3.5, 3, "state,province,region,statecode,st,stateabbr", "US state"},
	{"country_code", is_country2, 1.4, 3, "country,nation,land,ctry,countrycode,iso,iso2,nationality,pays,pais,paese,kraj,ulke", "ISO 3166 alpha-2 country code"},
	{"country_code3", is_country3, 6, 3, "country,nation,land,ctry,countrycode,iso,iso3,nationality,pays,pais,paese,kraj,ulke,origin,destination,dest", "ISO 3166 alpha-3 country code"},
	{"language_code", is_language, 1.9, 3, "language,lang,locale,sprache,langue,idioma,lingua,taal,jezyk,jazyk,sprak,kieli,dil", "ISO 639-1 language code"},
	{"language_code3", is_language3, 5.1, 3, "language,lang,locale,sprache,langue,idioma,lingua,taal,jezyk,jazyk,sprak,kieli,dil", "ISO 639-2 language code"},
	{"iata_airport", is_iata_airport, 3, 3, "!iata,airport,origin,destination,dest", "IATA airport code"},
	{"us_zip", is_us_zip, 3, 3, "!zip,zipcode,zip5", "US ZIP code"},
	{"postal_code", is_postal_code, 3, 3, "!postal,postcode,postalcode,plz,zip,zipcode,postleitzahl,postnummer,postnr,psc,pocztowy,pincode,eircode", "postal code"},
	{"latitude", is_latitude, 3, 3, "!lat,latitude,latitud,latitudine,breitengrad,breddegrad", "latitude in degrees"},
	{"longitude", is_longitude, 3, 3, "!lon,lng,long,longitude,longitud,longitudine,langengrad,laengengrad,lengdegrad", "longitude in degrees"},
	{"year", is_year, 4, 3, "!year,jahr,annee,anno,yr,ano,jaar,rok,baujahr,geburtsjahr,godina,vuosi,yil", "year"},
	{"epoch", is_epoch, 3, 5, "!epoch,time,timestamp,unixtime,stamp,created,updated,modified", "seconds or milliseconds since 1970"},
	{"base64", is_base64, 8, 5, "base64", "base64"},
	{"boolean", is_boolean_text, 15, 2, NULL, "yes and no, in words or letters"},
};

const int semantic_ntypes = lengthof(semantic_types);

const SemanticType *
semantic_find(const char *name)
{
	for (int i = 0; i < semantic_ntypes; i++)
	{
		if (strcmp(semantic_types[i].name, name) == 0)
			return &semantic_types[i];
	}
	return NULL;
}

/* -- the column -- */

typedef struct Values
{
	int n;
	const char *text[SAMPLE_VALUES];
	int len[SAMPLE_VALUES];
	bool fractions; /* numbers, some with a fraction */
} Values;

static void
take_values(Sketch *s, Values *v)
{
	Sample *sample = sketch_sample(s);
	int numbers = 0;
	int points = 0;

	v->n = 0;
	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
	{
		const char *text = sample->items[i].value;
		int len = sample->items[i].len;
		double value;

		while (text != NULL && len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == '\t'))
			len--;
		for (; text != NULL && len > 0 && (*text == ' ' || *text == '\n' || *text == '\r' || *text == '\t'); len--)
			text++;
		if (text == NULL || len == 0)
			continue;
		v->text[v->n] = text;
		v->len[v->n++] = len;
		if (plain_number(text, len, false, &value))
		{
			numbers++;
			points += memchr(text, '.', len) != NULL;
		}
	}
	v->fractions = points > 0 && numbers >= v->n / 2;
}

static bool
is_degrees(const SemanticType *type)
{
	return type->fits == is_latitude || type->fits == is_longitude;
}

/* Enough evidence, and enough values for it? */
static bool
convincing(const SemanticType *type, bool named, int fitting, int misses)
{
	int n = fitting + misses;

	if (!named && type->hints != NULL && type->hints[0] == '!')
		return false;
	if (fitting < (named ? Min(type->distinct, 3) : type->distinct < 5 && type->bits < 10 ? 10
																						  : type->distinct))
		return false;
	if (misses > n * (1 - (named ? NAMED_SHARE : type->bits < WEAK_BITS ? WEAK_SHARE
																		: SEMANTIC_SHARE)))
		return false;
	return type->bits * fitting + (named ? HINT_BITS : 0) >= SEMANTIC_BITS;
}

static bool
try_type(const SemanticType *type, const Values *v, bool named, SemanticGuess *guess)
{
	SemanticCheck fits = named && type->wider ? type->wider : type->fits;
	int fitting = 0;
	int most = (int) (v->n * (1 - NAMED_SHARE));

	for (int i = 0; i < v->n && i - fitting <= most; i++)
		fitting += fits(v->text[i], v->len[i]);
	if (!convincing(type, named, fitting, v->n - fitting))
		return false;
	guess->type = type;
	guess->share = (double) fitting / v->n;
	return true;
}

/* Letters that stand for other things as well (N and S, V and F) are no truths without more */
static bool
is_telling_truth(Sketch *s)
{
	Sample *sample = sketch_sample(s);

	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
	{
		const char *text = sample->items[i].value;

		if (text != NULL && strlen(text) == 1 && strchr("YyNnTtFf", text[0]) == NULL)
			return false;
	}
	return true;
}

/* What a hidden type tells: truths, dates, amounts */
static const SemanticType *
type_of_hidden(Sketch *s, const HiddenGuess *hidden, const Values *v)
{
	if (hidden->type == NULL)
		return NULL;
	if (strcmp(hidden->type, "boolean") == 0)
		return is_telling_truth(s) ? semantic_find("boolean") : NULL;
	if (strcmp(hidden->type, "date") == 0)
		return v->n >= 4 ? semantic_find("date") : NULL;
	if (strncmp(hidden->type, "timestamp", 9) == 0)
		return semantic_find("timestamp");
	if (hidden->grouped && v->n >= 4)
		return semantic_find("grouped_number");
	return NULL;
}

/* Is it judged as a hidden type where the column is one of texts? */
static bool
is_hidden_kind(const SemanticType *type)
{
	return type->fits == is_date_text || type->fits == is_timestamp_text || type->fits == is_boolean_text;
}

static bool
take_told(const SemanticType *told, const HiddenGuess *hidden, SemanticGuess *guess)
{
	if (told == NULL)
		return false;
	guess->type = told;
	guess->share = hidden->share;
	return true;
}

/* The first type that fits, before the one that the hidden type told; of those that the name speaks for, or of the others */
static bool
first_type(Sketch *s, const Values *v, const HintWords *words, bool named, const SemanticType *told, SemanticGuess *guess)
{
	for (int t = 0; t < semantic_ntypes && &semantic_types[t] != told; t++)
	{
		const SemanticType *type = &semantic_types[t];

		if ((v->fractions && !is_degrees(type)) || type->fits == is_boolean_text || (s->type.class == CLASS_TEXT && is_hidden_kind(type)))
			continue;
		if (hinted(type->hints, words) == named && try_type(type, v, named, guess))
			return true;
	}
	return false;
}

/* The meaning of the sampled values, if there is one */
bool
semantic_guess(Sketch *s, const char *column, SemanticGuess *guess)
{
	Values v;
	HintWords words = {0};
	HiddenGuess hidden;
	const SemanticType *told;

	guess->type = NULL;
	if (s->type.class != CLASS_TEXT && s->type.class != CLASS_INTEGER && s->type.class != CLASS_NUMERIC &&
		s->type.class != CLASS_FLOAT && s->type.class != CLASS_OTHER)
		return false;
	take_values(s, &v);
	guess->checked = v.n;
	if (column != NULL)
		hint_words(column, &words);
	hidden = hidden_guess(s);
	told = type_of_hidden(s, &hidden, &v);
	return v.n > 0 && (first_type(s, &v, &words, true, NULL, guess) || first_type(s, &v, &words, false, told, guess) || take_told(told, &hidden, guess));
}

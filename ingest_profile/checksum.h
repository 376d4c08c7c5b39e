/*
 * checksum.h
 *		Identifiers that prove themselves by a check digit.
 */
#ifndef PROFILE_CHECKSUM_H
#define PROFILE_CHECKSUM_H

#include "postgres.h"

#define IDENTIFIER_BYTES 64

/* Without blanks, dots, dashes and slashes, in upper case; false if it is too long */
extern bool compacted(const char *text, int len, char *out, int *n);
extern bool all_digits(const char *text, int len);
extern bool has_form(const char *text, int len, const char *form);
extern int digits_value(const char *text, int n);

extern bool is_credit_card(const char *text, int len);
extern bool is_imei(const char *text, int len);
extern bool is_iban(const char *text, int len);
extern bool is_sepa_creditor(const char *text, int len);
extern bool is_lei(const char *text, int len);
extern bool is_isin(const char *text, int len);
extern bool is_cusip(const char *text, int len);
extern bool is_sedol(const char *text, int len);
extern bool is_aba(const char *text, int len);
extern bool is_ean8(const char *text, int len);
extern bool is_ean13(const char *text, int len);
extern bool is_upc(const char *text, int len);
extern bool is_gtin14(const char *text, int len);
extern bool is_sscc(const char *text, int len);
extern bool is_isbn10(const char *text, int len);
extern bool is_isbn13(const char *text, int len);
extern bool is_issn(const char *text, int len);
extern bool is_vin(const char *text, int len);
extern bool is_eu_vat(const char *text, int len);
extern bool is_ch_uid(const char *text, int len);
extern bool is_ssn(const char *text, int len);
extern bool is_npi(const char *text, int len);
extern bool is_nhs(const char *text, int len);
extern bool is_bsn(const char *text, int len);
extern bool is_dni(const char *text, int len);
extern bool is_cpf(const char *text, int len);
extern bool is_cnpj(const char *text, int len);
extern bool is_abn(const char *text, int len);
extern bool is_sin(const char *text, int len);
extern bool is_sin_in_column(const char *text, int len);
extern bool is_siren(const char *text, int len);
extern bool is_siret(const char *text, int len);
extern bool is_pesel(const char *text, int len);
extern bool is_personnummer(const char *text, int len);
extern bool is_steuer_id(const char *text, int len);
extern bool is_codice_fiscale(const char *text, int len);
extern bool is_ahv(const char *text, int len);
extern bool is_aadhaar(const char *text, int len);

#endif /* PROFILE_CHECKSUM_H */

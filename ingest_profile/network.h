/*
 * network.h
 *		Addresses, digests, paths and documents: what is told by its form.
 */
#ifndef PROFILE_NETWORK_H
#define PROFILE_NETWORK_H

#include "postgres.h"

extern bool is_base64(const char *text, int len);
extern bool is_cidr(const char *text, int len);
extern bool is_cron(const char *text, int len);
extern bool is_domain(const char *text, int len);
extern bool is_domain_in_column(const char *text, int len);
extern bool is_email(const char *text, int len);
extern bool is_file_path(const char *text, int len);
extern bool is_hex_color(const char *text, int len);
extern bool is_ip(const char *text, int len);
extern bool is_ipv4(const char *text, int len);
extern bool is_ipv6(const char *text, int len);
extern bool is_jwt(const char *text, int len);
extern bool is_mac(const char *text, int len);
extern bool is_md5(const char *text, int len);
extern bool is_mime_type(const char *text, int len);
extern bool is_semver(const char *text, int len);
extern bool is_sha1(const char *text, int len);
extern bool is_sha256(const char *text, int len);
extern bool is_url(const char *text, int len);
extern bool is_url_or_domain(const char *text, int len);
extern bool is_uuid(const char *text, int len);
extern bool is_xml(const char *text, int len);

#endif /* PROFILE_NETWORK_H */

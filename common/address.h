/*
 * address.h
 *		Addresses as they are sent, for those who sign them.
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

extern char *address_as_sent(const char *text);
extern char *address_escape(const char *text);

#endif /* COMMON_ADDRESS_H */

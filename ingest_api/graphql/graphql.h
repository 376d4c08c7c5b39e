/*
 * graphql.h
 *		GraphQL: what /graphql answers.
 */
#ifndef GRAPHQL_GRAPHQL_H
#define GRAPHQL_GRAPHQL_H

#include "ingest_api/api.h"

extern void graphql_answer(const Request *request, Answer *answer);

#endif /* GRAPHQL_GRAPHQL_H */

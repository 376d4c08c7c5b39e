-- GraphQL

CREATE FUNCTION ingest_api.graphql(query text, variables jsonb DEFAULT NULL, operation text DEFAULT NULL) RETURNS json
    AS 'MODULE_PATHNAME', 'ingest_api_graphql' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION ingest_api.graphql(text, jsonb, text)
    IS 'the answer to a GraphQL operation, as POST /graphql gives it, with what the caller may read and do';

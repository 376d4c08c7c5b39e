CREATE TABLE public.looked (at timestamptz NOT NULL DEFAULT clock_timestamp(), pid integer NOT NULL);
CREATE FUNCTION public.test_service_version() RETURNS integer AS 'MODULE_PATHNAME' LANGUAGE C;
INSERT INTO ingest.service (name, library, function, wake_on_events) VALUES ('test', 'test_service', 'test_service_main', true)
  ON CONFLICT (name) DO UPDATE SET enabled = true;

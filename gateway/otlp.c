/*
 * otlp.c
 *		The page of metrics as an ExportMetricsServiceRequest, in OTLP's JSON.
 *
 * It is made from the page that Prometheus reads, so that both say the same of the same
 * moment: names, labels and numbers are those of the page, as they stand there.  Since when
 * a counter counts the page does not say; for a receiver that is since it was first sent,
 * and anew since the moment before it was seen to be less than it had been.
 */
#include "gateway/otlp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/log.h"

/* AggregationTemporality, as a number, which is the only form that OTLP's JSON has */
#define CUMULATIVE 2
#define MOST_BOUNDS 64

/* -- since when each series counts -- */

typedef struct Series
{
	char *name; /* with its labels */
	double value;
	uint64_t since;
} Series;

typedef struct Known
{
	Series *all;
	size_t n;
	size_t room;
} Known;

/* Of the page before, by name, and of this one */
static Known before;
static Known now_known;
static uint64_t asked_before = 0;

static int
compare(const void *a, const void *b)
{
	return strcmp(((const Series *) a)->name, ((const Series *) b)->name);
}

static uint64_t
since_when(const char *name, double value, uint64_t now)
{
	Series key = {.name = (char *) name};
	const Series *was = before.n > 0 ? bsearch(&key, before.all, before.n, sizeof(Series), compare) : NULL;
	uint64_t since = was == NULL ? now : value < was->value ? asked_before
															: was->since;

	if (now_known.n == now_known.room)
	{
		now_known.room = now_known.room ? now_known.room * 2 : 256;
		now_known.all = realloc(now_known.all, now_known.room * sizeof(Series));
		if (now_known.all == NULL)
			give_up("out of memory");
	}
	now_known.all[now_known.n++] = (Series){need_copy(name, strlen(name)), value, since};
	return since;
}

static void
take_over(uint64_t now)
{
	for (size_t i = 0; i < before.n; i++)
		free(before.all[i].name);
	free(before.all);
	before = now_known;
	now_known = (Known){0};
	if (before.n > 0)
		qsort(before.all, before.n, sizeof(Series), compare);
	asked_before = now;
}

/* -- JSON -- */

void
otlp_attribute(Buffer *out, const char *key, size_t n_key, const char *value, size_t n_value)
{
	buffer_print(out, "{\"key\":");
	buffer_json(out, key, n_key);
	buffer_print(out, ",\"value\":{\"stringValue\":");
	buffer_json(out, value, n_value);
	buffer_print(out, "}}");
}

/* As it stands on the page; what JSON has no number for is the name that protobuf's JSON has */
static void
number(Buffer *out, const char *text)
{
	if (strcmp(text, "NaN") == 0)
		buffer_print(out, "\"NaN\"");
	else if (strstr(text, "Inf"))
		buffer_print(out, "\"%sInfinity\"", text[0] == '-' ? "-" : "");
	else
		buffer_print(out, "%s", text);
}

/* By its name's end, as UCUM has it */
static const char *
unit_of(const char *name)
{
	static const char *const ends[][2] = {{"_seconds", "s"}, {"_seconds_total", "s"}, {"_bytes_total", "By"}, {"_bytes", "By"}};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (n > strlen(ends[i][0]) && strcmp(name + n - strlen(ends[i][0]), ends[i][0]) == 0)
			return ends[i][1];
	return "1";
}

/* -- lines of the page -- */

/* A series: name{label="value",…} number */
typedef struct Line
{
	char *name;
	char *labels; /* behind the bracket; NULL: none */
	char *value;
} Line;

/* False: it is none */
static bool
read_line(char *text, Line *line)
{
	char *end = text + strcspn(text, "{ ");

	*line = (Line){.name = text};
	if (*end == '{')
	{
		bool quoted = false;

		*end++ = '\0';
		line->labels = end;
		for (; *end && (quoted || *end != '}'); end++)
		{
			if (*end == '\\' && end[1])
				end++;
			else if (*end == '"')
				quoted = !quoted;
		}
		if (*end == '\0')
			return false;
		*end++ = '\0';
	}
	if (*end != ' ')
		return false;
	*end++ = '\0';
	line->value = end;
	return *end != '\0';
}

/* The next label; its value without backslashes.  False: there is none */
static bool
next_label(char **at, char **name, char **value)
{
	char *from,
		*to;

	*name = *at;
	from = strchr(*at, '=');
	if (from == NULL || from[1] != '"')
		return false;
	*from = '\0';
	*value = to = from += 2;
	for (; *from && *from != '"'; from++)
	{
		if (*from == '\\' && from[1])
			*to++ = *++from == 'n' ? '\n' : *from;
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*at += **at == ',';
	*to = '\0';
	return true;
}

/* le: where there is one of that name it is no attribute, but that */
static void
attributes(Buffer *out, char *labels, char **le)
{
	char *name,
		*value;
	bool first = true;

	buffer_print(out, "\"attributes\":[");
	while (labels && next_label(&labels, &name, &value))
	{
		if (le && strcmp(name, "le") == 0)
		{
			*le = value;
			continue;
		}
		buffer_print(out, first ? "" : ",");
		otlp_attribute(out, name, strlen(name), value, strlen(value));
		first = false;
	}
	buffer_print(out, "]");
}

/* -- metrics -- */

typedef enum Kind
{
	GAUGE,
	COUNTER,
	HISTOGRAM
} Kind;

/* A histogram's point, until its count is there, which stands last */
typedef struct Spread
{
	uint64_t counts[MOST_BOUNDS + 1];
	char *bounds[MOST_BOUNDS];
	int n; /* of the bounds */
	char *sum;
	Buffer attributes;
} Spread;

typedef struct Writer
{
	Buffer *out;
	uint64_t now;
	char *help;
	Kind kind;
	bool open;   /* a metric is */
	bool points; /* it has some */
	bool metrics;
	Spread spread;
} Writer;

static void
close_metric(Writer *w)
{
	if (!w->open)
		return;
	buffer_print(w->out, w->kind == GAUGE ? "]}}" : w->kind == COUNTER ? "],\"aggregationTemporality\":%d,\"isMonotonic\":true}}"
																	   : "],\"aggregationTemporality\":%d}}",
				 CUMULATIVE);
	w->open = false;
}

static void
open_metric(Writer *w, const char *name, const char *type)
{
	close_metric(w);
	w->kind = strcmp(type, "counter") == 0 ? COUNTER : strcmp(type, "histogram") == 0 ? HISTOGRAM
																					  : GAUGE;
	buffer_print(w->out, "%s{\"name\":", w->metrics ? "," : "");
	buffer_json(w->out, name, strlen(name));
	buffer_print(w->out, ",\"description\":");
	buffer_json(w->out, w->help ? w->help : "", w->help ? strlen(w->help) : 0);
	buffer_print(w->out, ",\"unit\":\"%s\",\"%s\":{\"dataPoints\":[", unit_of(name), w->kind == GAUGE ? "gauge" : w->kind == COUNTER ? "sum"
																																	 : "histogram");
	w->metrics = w->open = true;
	w->points = false;
	w->help = NULL;
}

static void
begin_point(Writer *w)
{
	buffer_print(w->out, w->points ? ",{" : "{");
	w->points = true;
}

static void
add_times(Writer *w, const char *series, double value)
{
	if (w->kind != GAUGE)
		buffer_print(w->out, ",\"startTimeUnixNano\":\"%" PRIu64 "\"", since_when(series, value, w->now));
	buffer_print(w->out, ",\"timeUnixNano\":\"%" PRIu64 "\"", w->now);
}

static void
add_point(Writer *w, Line *line, const char *series)
{
	begin_point(w);
	attributes(w->out, line->labels, NULL);
	add_times(w, series, strtod(line->value, NULL));
	buffer_print(w->out, ",\"asDouble\":");
	number(w->out, line->value);
	buffer_print(w->out, "}");
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text);

	return n > strlen(end) && strcmp(text + n - strlen(end), end) == 0;
}

/* Buckets are sums on the page, and here each counts its own */
static void
add_spread(Writer *w, Line *line, const char *series)
{
	Spread *s = &w->spread;
	uint64_t below = 0;

	begin_point(w);
	buffer_add(w->out, s->attributes.bytes, s->attributes.n);
	add_times(w, series, strtod(line->value, NULL));
	buffer_print(w->out, ",\"count\":\"%s\",\"sum\":", line->value);
	number(w->out, s->sum ? s->sum : "0");
	buffer_print(w->out, ",\"bucketCounts\":[");
	for (int i = 0; i <= s->n; i++)
	{
		buffer_print(w->out, "%s\"%" PRIu64 "\"", i > 0 ? "," : "", s->counts[i] - below);
		below = s->counts[i];
	}
	buffer_print(w->out, "],\"explicitBounds\":[");
	for (int i = 0; i < s->n; i++)
	{
		buffer_print(w->out, i > 0 ? "," : "");
		number(w->out, s->bounds[i]);
	}
	buffer_print(w->out, "]}");
	buffer_free(&s->attributes);
	*s = (Spread){0};
}

static void
add_part(Writer *w, Line *line, const char *series)
{
	Spread *s = &w->spread;
	char *le = NULL;

	if (ends_with(line->name, "_sum"))
		s->sum = line->value;
	else if (ends_with(line->name, "_count"))
		add_spread(w, line, series);
	else
	{
		buffer_free(&s->attributes);
		attributes(&s->attributes, line->labels, &le);
		s->counts[s->n] = strtoull(line->value, NULL, 10);
		if (le && strcmp(le, "+Inf") != 0 && s->n < MOST_BOUNDS)
			s->bounds[s->n++] = le;
	}
}

static void
take_line(Writer *w, char *text)
{
	Line line;
	char *series,
		*type;

	if (strncmp(text, "# HELP ", 7) == 0)
	{
		w->help = strchr(text + 7, ' ');
		w->help += w->help != NULL;
		return;
	}
	if (strncmp(text, "# TYPE ", 7) == 0 && (type = strchr(text + 7, ' ')) != NULL)
	{
		*type = '\0';
		open_metric(w, text + 7, type + 1);
		return;
	}
	if (text[0] == '#' || text[0] == '\0' || !w->open)
		return;
	series = need_copy(text, strlen(text));
	/* without its value */
	*strrchr(series, ' ') = '\0';
	if (read_line(text, &line))
		(w->kind == HISTOGRAM ? add_part : add_point)(w, &line, series);
	free(series);
}

void
otlp_write(Buffer *out, char *page, const char *resource, uint64_t now)
{
	Writer w = {.out = out, .now = now};

	buffer_print(out, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[%s]},\"scopeMetrics\":[{\"scope\":{\"name\":\"pg_ingest\",\"version\":\"%s\"},\"metrics\":[", resource, GATEWAY_VERSION);
	for (char *line = page, *next; line; line = next)
	{
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		take_line(&w, line);
	}
	close_metric(&w);
	buffer_print(out, "]}]}]}");
	take_over(now);
}

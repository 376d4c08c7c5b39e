/*
 * kafka_mock.c
 *		A Kafka broker for tests: the one that is in librdkafka, as a program.
 *
 * kafka_mock PARTITIONS: writes its address on the first line, then does what lines of its
 * input say: "topic NAME PARTITIONS", "errors API COUNT CODE" (the next COUNT requests of that API are
 * answered with the code), "topic_error NAME CODE" (0: none), "rtt MS", "down", "up"; says "ok" to each.
 * It ends with its input.  It keeps 5 MB a partition: whoever wants to see all reads along.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BROKER 1

static void
errors(rd_kafka_mock_cluster_t *cluster, int api, int count, int code)
{
	rd_kafka_resp_err_t *all = calloc(count, sizeof(*all));

	for (int i = 0; i < count; i++)
		all[i] = code;
	rd_kafka_mock_clear_request_errors(cluster, api);
	rd_kafka_mock_push_request_errors_array(cluster, api, count, all);
	free(all);
}

int
main(int argc, char **argv)
{
	char error[200], line[400], name[300];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *rk;
	rd_kafka_mock_cluster_t *cluster;
	int a, b, c;

	rd_kafka_conf_set(conf, "log_level", "0", error, sizeof(error));
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
	cluster = rd_kafka_mock_cluster_new(rk, BROKER);
	rd_kafka_mock_topic_create(cluster, "ingest", argc > 1 ? atoi(argv[1]) : 4, 1);
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
	{
		if (sscanf(line, "topic %299s %d", name, &a) == 2)
			rd_kafka_mock_topic_create(cluster, name, a, 1);
		else if (sscanf(line, "errors %d %d %d", &a, &b, &c) == 3)
			errors(cluster, a, b, c);
		else if (sscanf(line, "topic_error %299s %d", name, &a) == 2)
			rd_kafka_mock_topic_set_error(cluster, name, a);
		else if (sscanf(line, "rtt %d", &a) == 1)
			rd_kafka_mock_broker_set_rtt(cluster, BROKER, a);
		else if (strcmp(line, "down\n") == 0)
			rd_kafka_mock_broker_set_down(cluster, BROKER);
		else if (strcmp(line, "up\n") == 0)
			rd_kafka_mock_broker_set_up(cluster, BROKER);
		printf("ok\n");
		fflush(stdout);
	}
	return 0;
}

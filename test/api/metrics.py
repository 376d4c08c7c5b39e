"""What Prometheus' own client reads in an answer of /metrics: JSON of [name, labels, value] on standard output.  usage: metrics.py text|openmetrics <FILE"""

import json
import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text

reader = openmetrics.text_string_to_metric_families if sys.argv[1] == "openmetrics" else text.text_string_to_metric_families
samples = []
for family in reader(sys.stdin.read()):
    if not family.documentation:
        sys.exit("%s says nothing of itself" % family.name)
    if family.type not in ("gauge", "counter", "histogram"):
        sys.exit("%s is a %s" % (family.name, family.type))
    samples += [[s.name, s.labels, float(s.value)] for s in family.samples]
json.dump(samples, sys.stdout)

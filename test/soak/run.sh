#!/bin/bash
# make soak SECONDS=3600 SEED=…: the living month (docs/testing.md).  WEEK is the seconds of life between two judgements,
# PERSONALITY the sandbox's account, SOAK holds further options of test/soak/month.py.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../personalities/suite.sh"
. "$(dirname "$0")/suite.sh"
set_up
step "packages of sources" month_packages
SEED=${SEED:-$(date +%s)}
if [ -z "${PERSONALITY:-}" ]; then
	PERSONALITY=$(month_personality "$SEED")
fi
export PERSONALITY
say "The sandbox plays $PERSONALITY"
step "servers" start_month
# STEPS names a file for the list of steps
before_removal() { [ -z "${STEPS:-}" ] || cp "$WORK/month.steps" "$STEPS" || :; }
# shellcheck disable=SC2086
try "month" live_month "${SECONDS_OF_LIFE:-3600}" "$SEED" --week "${WEEK:-120}" ${SOAK:-}
# kills, for as long as it takes: who lives for a moment only, or with options, wants something else
if [ "${SECONDS_OF_LIFE:-3600}" -ge 3600 ] && [ -z "${SOAK:-}" ]; then
	export DELIVERY_KILLS=${DELIVERY_KILLS:-200} DELIVERY_EVENTS=${DELIVERY_EVENTS:-100000} DELIVERY_SEED=${DELIVERY_SEED:-$((RANDOM))} DELIVERY_LARGE=${DELIVERY_LARGE:-1000}
	export KAFKA_EXITS=${KAFKA_EXITS:-500} KAFKA_KILLS=${KAFKA_KILLS:-100} KAFKA_EVENTS=${KAFKA_EVENTS:-100000} KAFKA_SEED=${KAFKA_SEED:-$((RANDOM))}
	export INGEST_KILLS=${INGEST_KILLS:-200} PG_INGEST_KILLS=${PG_INGEST_KILLS:-200}
	step "packages of TAP tests" need_packages libipc-run-perl
	step "packages from npm" install_npm
	export GATEWAY_AMID=${GATEWAY_AMID:-100} GATEWAY_KILLS=${GATEWAY_KILLS:-100} SUBSCRIPTION_KILLS=${SUBSCRIPTION_KILLS:-60}
	try "kills of the engine, of delivery, the API and lakes" run_tap t/008_kill.pl t/120_pieces.pl t/133_lake.pl t/072_delivery_kill.pl t/078_delivery_memory.pl t/080_gateway.pl t/082_kafka_kill.pl t/103_subscriptions.pl t/105_endurance.pl
fi
report soak $((${SECONDS_OF_LIFE:-3600} * 3 + 900))

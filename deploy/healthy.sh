#!/usr/bin/env bash
# Succeeds if the service in this container is ready. Needs nothing but bash, so that the base image can be small.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/${HEALTH_PORT}"
printf 'GET /actuator/health/readiness HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]

#!/bin/sh
# The container's first process: passes the stop signal on, so that the pod ends at once.
trap 'kill "$server"; exit 0' TERM INT
httpd -f -p 8080 -h /app/www &
server=$!
wait "$server"

#!/bin/sh
# A node reads its admin token from the environment; a container gets it as a secret file.
NODE_ADMIN_TOKEN=$(cat /run/secrets/node_admin_token) || exit 1
export NODE_ADMIN_TOKEN
exec node dataplane/src/main.ts "$@"

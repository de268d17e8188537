#!/bin/sh
# Make .env of .env.example with random secrets: sh deploy/make-env.sh chat.example.com [https://app.example.com]
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: sh deploy/make-env.sh HOSTS [ORIGINS], each by commas" >&2; exit 2; }
# An existing one has the secrets of a database that holds data.
[ ! -e .env ] || { echo ".env is there already: move it away first" >&2; exit 1; }

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

umask 077
while IFS= read -r line; do
    case $line in
        SECRET_KEY= | POSTGRES_PASSWORD= | REDIS_PASSWORD=) line=$line$(random) ;;
        ALLOWED_HOSTS=) line=$line$1 ;;
        ALLOWED_ORIGINS=) line=$line${2:-} ;;
    esac
    printf '%s\n' "$line"
done < .env.example > .env
echo "wrote .env"

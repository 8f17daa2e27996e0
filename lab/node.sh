#!/bin/sh
# node.sh NAMESPACE HOSTNAME DIRECTORY COMMAND…: run COMMAND in the namespace with a host name and a /dev/log of its own.
# Daemons write to /dev/log and put the host's name into what they say; without this all routers would be one.
NAMESPACE=$1 NAME=$2 DIRECTORY=$3
shift 3
exec ip netns exec "$NAMESPACE" unshare -u -m sh -c '
NAME=$1 DIRECTORY=$2; shift 2
hostname "$NAME"
DEV=$DIRECTORY/dev; mkdir -p "$DEV"
mount -t tmpfs -o mode=755,size=256k tmpfs "$DEV"
for device in null zero full random urandom tty; do : > "$DEV/$device"; mount --bind "/dev/$device" "$DEV/$device"; done
ln -s "$DIRECTORY/syslog" "$DEV/log"; ln -s /proc/self/fd "$DEV/fd"
mount --rbind "$DEV" /dev
exec "$@"' sh "$NAME" "$DIRECTORY" "$@"

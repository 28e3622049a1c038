#!/bin/sh
# Runs a command beside a real Secret Service: gnome-keyring on a D-Bus session of its own, unlocked, without a display.
#
#   test/keyring/with-keyring.sh COMMAND [ARGUMENT ...]
#
# Needs Debian's dbus, gnome-keyring and libsecret-tools. The command finds the session in DBUS_SESSION_BUS_ADDRESS and
# the daemon's process id in KEYRING_PID. Nothing of the user's own keyring is touched, and nothing is left behind.
set -eu

if [ "${WITH_KEYRING_INNER:-}" != yes ]; then
  WITH_KEYRING_HOME=$(mktemp -d)
  chmod 700 "$WITH_KEYRING_HOME"
  export WITH_KEYRING_HOME WITH_KEYRING_INNER=yes
  # Exported before the session begins: services that D-Bus itself starts then use the same folders.
  export HOME="$WITH_KEYRING_HOME" XDG_RUNTIME_DIR="$WITH_KEYRING_HOME" XDG_DATA_HOME="$WITH_KEYRING_HOME/data" \
    XDG_CONFIG_HOME="$WITH_KEYRING_HOME/config"
  unset DISPLAY WAYLAND_DISPLAY
  code=0
  dbus-run-session -- sh "$0" "$@" || code=$?
  rm -rf "$WITH_KEYRING_HOME"
  exit "$code"
fi

printf 'a password for tests' | gnome-keyring-daemon --foreground --unlock --components=secrets \
  >"$WITH_KEYRING_HOME/out" 2>"$WITH_KEYRING_HOME/err" &
KEYRING_PID=$!
export KEYRING_PID
unset WITH_KEYRING_INNER

tries=0
until dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus \
  org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null | grep -q 'boolean true'; do
  tries=$((tries + 1))
  if [ "$tries" -gt 200 ]; then
    echo 'gnome-keyring did not come up within 10 seconds:' >&2
    cat "$WITH_KEYRING_HOME/err" >&2
    exit 69
  fi
  sleep 0.05
done

code=0
"$@" || code=$?
# The command may have stopped or killed it.
kill -CONT "$KEYRING_PID" 2>/dev/null || true
kill "$KEYRING_PID" 2>/dev/null || true
(sleep 2; kill -KILL "$KEYRING_PID") >/dev/null 2>&1 &
GUARD=$!
wait "$KEYRING_PID" 2>/dev/null || true
kill "$GUARD" 2>/dev/null || true
exit "$code"

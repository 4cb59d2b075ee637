#!/bin/sh
# Install the RTSP server, broker and database that nobody here wrote, where that is allowed.
packages="mosquitto mosquitto-clients postgresql python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
present() { { command -v mosquitto || test -x /usr/sbin/mosquitto; } && command -v mosquitto_sub; } >/dev/null 2>&1
gst() { /usr/bin/python3 -c "import gi; gi.require_version('GstRtspServer','1.0')" 2>/dev/null; }
postgres() { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1
present && gst && postgres && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  # The tests start a cluster of their own; Debian's would run for nothing.
  cluster=/etc/postgresql-common/createcluster.conf
  test -e $cluster || { mkdir -p ${cluster%/*} && echo "create_main_cluster = false" >$cluster; }
  # shellcheck disable=SC2086
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages) >/dev/null 2>&1 ||
    echo "tests: apt could not install mosquitto, PostgreSQL and GStreamer's RTSP server"
fi
present && gst || echo "tests: running on the embedded broker and RTSP server"
postgres || echo "tests: no PostgreSQL here; its tests are skipped"
exit 0

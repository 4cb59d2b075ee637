"""An RTSP server that nobody here wrote: GStreamer's, driven by the system's python3-gi.

    /usr/bin/python3 gst_rtsp.py PORT [--user U --password P] [--shared] NAME=FILE.h264[:FPS] …

Files are raw H.264 or H.265, told by their suffix. Each client gets its own pipeline, so every
stream starts at the beginning of the file and loops; with --shared all join one that runs on, as
with a camera, and wait for its next key frame.
Run with the system's Python: the bindings are not on PyPI.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PIPELINE = (
    "( multifilesrc location={path} loop=true "
    "! video/x-{codec},stream-format=byte-stream,framerate={fps}/1 "
    "! {codec}parse ! video/x-{codec},stream-format=byte-stream,alignment=au "
    "! rtp{codec}pay name=pay0 pt=96 config-interval=1 )"
)
AUDIO = "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 )"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("mounts", nargs="+")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    if options.user:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
        server.set_auth(auth)
    for mount in options.mounts:
        name, _, path = mount.partition("=")
        path, _, fps = path.partition(":")
        factory = GstRtspServer.RTSPMediaFactory()
        codec = "h265" if path.endswith(".h265") else "h264"
        launch = PIPELINE.format(path=path, fps=fps or 10, codec=codec)
        factory.set_launch(AUDIO if path == "audio" else launch)
        factory.set_shared(options.shared)
        if options.user:
            permissions = GstRtspServer.RTSPPermissions()
            for right in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role("viewer", right, True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if not server.attach(None):
        sys.exit("port taken")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()

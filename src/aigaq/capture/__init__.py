"""From camera to sealed-ready fMP4 parts: our RTSP client, adapters, the camera farm. Knows nothing of elections."""

"""What a request costs the gateway itself: real dispatcher and connections, nothing of the kernel or the event loop."""

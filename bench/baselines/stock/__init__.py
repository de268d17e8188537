"""(b) The best that stock Channels gives: uvicorn, the pub/sub layer, encoded once, one lasting connection."""

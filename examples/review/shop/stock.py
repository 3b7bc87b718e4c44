import time

import requests

from .backoff import pause


def fetch_stock(url):
    for attempt in range(8):
        try:
            return requests.get(url, timeout=5).json()
        except requests.ConnectionError:
            time.sleep(pause(attempt))
    raise RuntimeError("the stock cannot be had")

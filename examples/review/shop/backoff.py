import random


def pause(attempt):
    return random.uniform(0, min(60, 2**attempt))

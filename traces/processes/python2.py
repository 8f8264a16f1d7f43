"""A numeric service: keeps a graph of the documents' links, their ranks, a sieve of primes and a grid of temperatures."""
import re
import sys
from array import array

with open(sys.argv[1], "rb") as file:
    text = file.read()


class Node:
    def __init__(self, name):
        self.name = name
        self.links = []
        self.rank = 1.0
        self.history = []


nodes = {}
for name, document in re.findall(rb'<article id="(d\d+)"(.*?)</article>', text, re.S):
    node = nodes.setdefault(name.decode(), Node(name.decode()))
    for target in re.findall(rb'href="#(d\d+)"', document):
        node.links.append(nodes.setdefault(target.decode(), Node(target.decode())))

for turn in range(60):
    gained = dict.fromkeys(nodes, 0.15)
    for node in nodes.values():
        for target in node.links:
            gained[target.name] += 0.85 * node.rank / len(node.links)
    for node in nodes.values():
        node.rank = gained[node.name]
        node.history.append((turn, node.rank))

LIMIT = 4_000_000
sieve = bytearray(b"\x01") * LIMIT
for number in range(2, 2000):
    if sieve[number]:
        sieve[number * number :: number] = bytes(len(range(number * number, LIMIT, number)))

# Heat spreads from one edge; most of the grid is still cold.
WIDTH, HEIGHT = 512, 1024
grid = array("d", bytes(8 * WIDTH * HEIGHT))
for column in range(WIDTH):
    grid[column] = 100.0
for turn in range(12):
    for row in range(1, turn + 2):
        for column in range(1, WIDTH - 1):
            at = row * WIDTH + column
            grid[at] = (grid[at - WIDTH] + grid[at + WIDTH] + grid[at - 1] + grid[at + 1]) / 4

print("ready", flush=True)
sys.stdin.read()

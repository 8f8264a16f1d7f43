// The plain native yardstick: what a C++ programmer writes without further thought.
// Reads each dump (one member each) in pieces of 1 MiB, hashes every page of every
// size on its own with XXH3-128, and counts contents in one flat hash map per size.
//
//   g++ -std=c++17 -O3 native.cpp -o native -lxxhash
//   g++ -std=c++17 -O3 -march=native -DXXH_INLINE_ALL native.cpp -o native-tuned     (the strongest that it can be)
//   ./native [SIZE_KIB,...] FILE...                           (default: 1,2,4,8,16)

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <xxhash.h>

constexpr size_t kReadBytes = 1 << 20;

struct Slot {
  uint64_t low, high;
  uint32_t holder;  // the last member that held this content, counted from 1; 0: free
  uint32_t copies;
};

// Open addressing, linear probing, twice as large when two thirds are taken.
class ContentMap {
 public:
  // Adds a copy; true if the holder had none before. Members come one after the
  // other, so the last holder is all that has to be remembered.
  bool add(XXH128_hash_t key, uint32_t holder) {
    if (3 * used_ >= 2 * slots_.size()) grow();
    Slot& slot = slots_[find(key.low64, key.high64)];
    if (slot.holder == 0) {
      slot.low = key.low64;
      slot.high = key.high64;
      used_++;
    }
    const bool first = slot.holder != holder;
    slot.holder = holder;
    slot.copies++;
    return first;
  }
  size_t size() const { return used_; }

 private:
  size_t find(uint64_t low, uint64_t high) const {
    const size_t mask = slots_.size() - 1;
    size_t at = low & mask;
    while (slots_[at].holder != 0 && (slots_[at].low != low || slots_[at].high != high))
      at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.holder != 0) slots_[find(slot.low, slot.high)] = slot;
  }
  std::vector<Slot> slots_ = std::vector<Slot>(1 << 16);
  size_t used_ = 0;
};

struct PageSize {
  size_t bytes;
  uint64_t pages = 0, zero_pages = 0;
  uint32_t zero_holder = 0;  // the zero content never enters the map
  ContentMap contents;
  std::vector<uint64_t> per_member;  // distinct contents of each member, zero included

  explicit PageSize(size_t page_bytes) : bytes(page_bytes) {}

  void count(const uint8_t* data, size_t length, uint32_t member) {
    uint64_t zeros = 0, distinct = 0;
    const uint8_t* page = data;
    for (const uint8_t* end = data + length / bytes * bytes; page != end; page += bytes) {
      if (page[0] == 0 && memcmp(page, page + 1, bytes - 1) == 0) {
        zeros++;
      } else {
        distinct += contents.add(XXH3_128bits(page, bytes), member);
      }
    }
    if (zeros > 0 && zero_holder != member) {
      zero_holder = member;
      distinct++;
    }
    pages += length / bytes;
    zero_pages += zeros;
    per_member[member - 1] += distinct;
  }

  void print() const {
    uint64_t sum = 0;
    for (const uint64_t distinct : per_member) sum += distinct;
    printf("page_bytes=%zu pages=%lu zero_pages=%lu contents_sum=%lu contents_union=%lu per_member=", bytes,
           pages, zero_pages, sum, contents.size() + (zero_holder != 0));
    for (size_t i = 0; i < per_member.size(); i++) printf(i ? ",%lu" : "%lu", per_member[i]);
    printf("\n");
  }
};

// Fills the buffer unless the file ends first, so that no page straddles two reads.
static size_t read_fully(int file, uint8_t* buffer, const char* path) {
  size_t have = 0;
  while (have < kReadBytes) {
    const ssize_t got = read(file, buffer + have, kReadBytes - have);
    if (got < 0) {
      perror(path);
      exit(2);
    }
    if (got == 0) break;
    have += got;
  }
  return have;
}

int main(int argc, char** argv) {
  std::string list = "1,2,4,8,16";
  int first = 1;
  if (argc > 1 && strspn(argv[1], "0123456789,") == strlen(argv[1])) list = argv[first++];
  std::vector<PageSize> sizes;
  for (const char* at = list.c_str(); *at; at += *at == ',') {
    char* end;
    const size_t kib = strtoul(at, &end, 10);
    // 1 KiB to 1 MiB, a power of two: no page is longer than a read
    if (end == at || kib < 1 || kib > kReadBytes / 1024 || (kib & (kib - 1))) first = argc;
    if (first == argc) break;
    sizes.emplace_back(kib * 1024);
    at = end;
  }
  if (first >= argc) {
    fprintf(stderr, "usage: native [SIZE_KIB,...] FILE...   sizes: powers of two, 1 to 1024\n");
    return 2;
  }

  std::vector<uint8_t> buffer(kReadBytes);
  for (uint32_t member = 1; first < argc; first++, member++) {
    const int file = open(argv[first], O_RDONLY);
    if (file < 0) {
      perror(argv[first]);
      return 2;
    }
    for (PageSize& size : sizes) size.per_member.push_back(0);
    while (const size_t length = read_fully(file, buffer.data(), argv[first]))
      for (PageSize& size : sizes) size.count(buffer.data(), length, member);
    close(file);
  }
  for (const PageSize& size : sizes) size.print();
}

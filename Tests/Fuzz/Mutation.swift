/// How libFuzzer changes an input. Of bytes changed at random in a document few make another document: in
/// one whose values stand on lines of their own, as in all that are written, a line is changed, most of the
/// time. Half of the time that is a line of a seed: what libFuzzer goes on from is mostly refused at the
/// first change, so that no second one is seen. All else is left to libFuzzer.
///
/// https://llvm.org/docs/LibFuzzer.html, "Structure-aware fuzzing".
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
  _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
  var random = Random(state: UInt64(seed) + 1)
  var document = Array(UnsafeMutableBufferPointer(start: bytes, count: count))
  guard document.starts(with: "{\n".utf8), random.next(below: 8) > 0 else {
    return mutateBytes(bytes, count, capacity)
  }
  if random.next(below: 2) == 0 { document = Fuzz.seeds[random.next(below: Fuzz.seeds.count)] }
  document = changedLines(document, &random)
  guard document.count <= capacity else { return mutateBytes(bytes, count, capacity) }
  bytes.update(from: document, count: document.count)
  return document.count
}

@_silgen_name("LLVMFuzzerMutate")
private func mutateBytes(
  _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int
) -> Int

/// What stands where a document has a number, a text or a list.
private let values = [
  "0", "1", "2", "3", "4", "5", "9", "16", "-1", "0.5", "-0.5", "1.5", "1e-320", "1e100", "1e308",
  "-1e308",
  "2147483647", "2147483648", "-2147483648", "4294967296", "9007199254740992",
  "9223372036854775807",
  "-9223372036854775808", "null", "true", "false", "[]", "{}", "\"\"", "\"\\u0000\"", "\"0\"",
  "\"ok\"",
  "\"../x\"", "\"a\\nb\"",
].map { Array($0.utf8) }

/// The lines of a document with another value on one of them, without one, or with one twice.
private func changedLines(_ document: [UInt8], _ random: inout Random) -> [UInt8] {
  var lines = document.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    .map(Array.init)
  let index = random.next(below: lines.count)
  switch random.next(below: 8) {
  case 0: lines.remove(at: index)
  case 1: lines.insert(lines[random.next(below: lines.count)], at: index)
  default: lines[index] = withValue(values[random.next(below: values.count)], lines[index])
  }
  return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
}

/// `line` with `value` in place of what stands behind its key, or alone.
private func withValue(_ value: [UInt8], _ line: [UInt8]) -> [UInt8] {
  var end = line.count
  if line.last == UInt8(ascii: ",") { end -= 1 }
  let colon = line.lastIndex(of: UInt8(ascii: ":"))
  let start = colon.map { $0 + 2 } ?? line.firstIndex { $0 != UInt8(ascii: " ") } ?? end
  guard start <= end else { return line }
  return line[..<start] + value + line[end...]
}

/// SplitMix64: https://prng.di.unimi.it/splitmix64.c.
private struct Random {
  var state: UInt64

  mutating func next(below limit: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    return Int(z % UInt64(limit))
  }
}

/// The order people expect of numbered names: `layer2` before `layer10`.
///
/// Runs of ASCII digits compare as numbers of any length, everything else byte by byte in UTF-8;
/// names that differ in leading zeros only compare byte by byte. It depends on no locale.
func naturallyPrecedes(_ left: String, _ right: String) -> Bool {
  let a = Array(left.utf8)
  let b = Array(right.utf8)
  var i = 0
  var j = 0
  while i < a.count, j < b.count {
    guard isDigit(a[i]), isDigit(b[j]) else {
      if a[i] != b[j] { return a[i] < b[j] }
      i += 1
      j += 1
      continue
    }
    let first = number(in: a, from: &i)
    let second = number(in: b, from: &j)
    if first.count != second.count { return first.count < second.count }
    if !first.elementsEqual(second) { return first.lexicographicallyPrecedes(second) }
  }
  let rests = (a.count - i, b.count - j)
  return rests == (0, 0) ? a.lexicographicallyPrecedes(b) : rests.0 < rests.1
}

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

/// The digits at `index` without leading zeros; `index` moves behind them.
private func number(in bytes: [UInt8], from index: inout Int) -> ArraySlice<UInt8> {
  while index < bytes.count, bytes[index] == 0x30 { index += 1 }
  let start = index
  while index < bytes.count, isDigit(bytes[index]) { index += 1 }
  return bytes[start..<index]
}

/// `number` in hexadecimal digits, as many as its type has room for: 16 for 64 bits.
package func hexadecimal(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: number.bitWidth / 4 - digits.count) + digits
}

/// FNV-1a of 64 bits (Fowler, Noll & Vo). For names of files and accidents to them; whoever needs
/// certainty compares what was hashed.
package func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

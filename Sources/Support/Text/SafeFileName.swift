import Foundation

/// `name` as a file's name: unlike names stay unlike, and two of them with `--` between are unlike any
/// other two.
///
/// Letters and digits of any script and `. _ + = @ , -` stand for themselves, all else as %XX for each
/// byte of UTF-8, as do a dot at the start and a `-` at either end or behind another. A name that would
/// be longer than 100 bytes is cut and ends in `~` and a hash of the whole.
package func safeFileName(_ name: String) -> String {
  let scalars = Array(name.unicodeScalars)
  var safe = ""
  for (index, scalar) in scalars.enumerated() {
    let isPlain =
      switch scalar {
      case "-":
        index > 0 && index < scalars.count - 1 && scalars[index - 1] != "-"
      case ".": index > 0
      case "_", "+", "=", "@", ",": true
      // Precomposed and decomposed letters look alike; a mark of its own is spelled out.
      default: scalar.properties.isAlphabetic || scalar.properties.numericType == .decimal
      }
    if isPlain, scalar.isASCII || !changesWithNormalization(scalar) {
      safe.unicodeScalars.append(scalar)
    } else {
      safe += String(scalar).utf8.map { String(format: "%%%02X", $0) }.joined()
    }
  }
  let longest = 100
  guard safe.isEmpty || safe.utf8.count > longest else { return safe }
  var start = ""
  for character in safe.unicodeScalars {
    guard start.utf8.count + String(character).utf8.count <= longest - 17 else { break }
    start.unicodeScalars.append(character)
  }
  return start + "~" + fnv1a(name)
}

/// Whether a file system may store the scalar as others.
private func changesWithNormalization(_ scalar: Unicode.Scalar) -> Bool {
  let text = String(scalar)
  return Array(text.decomposedStringWithCanonicalMapping.unicodeScalars) != [scalar]
    || Array(text.precomposedStringWithCanonicalMapping.unicodeScalars) != [scalar]
    || scalar.properties.canonicalCombiningClass != .notReordered
}

/// FNV-1a of 64 bits (Fowler, Noll & Vo), in 16 digits.
private func fnv1a(_ text: String) -> String {
  let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
    ($0 ^ UInt64($1)) &* 0x100_0000_01b3
  }
  return String(format: "%016llx", hash)
}

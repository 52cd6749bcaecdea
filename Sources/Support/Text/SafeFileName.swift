/// An injective file name for `name`: different names give different file names, also when two are
/// joined by `--`.
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
    if isPlain, scalar.isASCII || !scalar.changesWithNormalization {
      safe.unicodeScalars.append(scalar)
    } else {
      safe += String(scalar).utf8.map { "%" + hexadecimal($0).uppercased() }.joined()
    }
  }
  let longest = 100
  guard safe.isEmpty || safe.utf8.count > longest else { return safe }
  var start = ""
  for character in safe.unicodeScalars {
    guard start.utf8.count + String(character).utf8.count <= longest - 17 else { break }
    start.unicodeScalars.append(character)
  }
  return start + "~" + hexadecimal(fnv1a(name.utf8))
}

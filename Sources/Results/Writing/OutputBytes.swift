import ActivationFiles
import Device
import FoundationEssentials

// Numbers and documents as the bytes of files.

extension Encodable {
  /// The document as a file's bytes. NaN and infinity become null, so that one such number does not
  /// cost the result.
  package var json: [UInt8] {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      // The encoder can replace such numbers by text but not by null; this marker text cannot occur
      // by accident and needs no escaping.
      let mark = UUID().uuidString
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: mark, negativeInfinity: mark, nan: mark)
      let text = Array(try encoder.encode(self))
      return text.replacing("\"\(mark)\"".utf8, with: "null".utf8) + "\n".utf8
    }
  }
}

/// A `.npy` file of float64 numbers.
package func npy(_ matrix: Matrix<Double>) -> [UInt8] {
  NPYWriter.data(shape: [matrix.rows, matrix.columns], float64: matrix.elements)
}

/// RFC 4180 with line feeds: a header row and a header column of names; undefined cells are empty.
package func csv(_ values: Matrix<Double>, rows: [String], columns: [String]) -> [UInt8] {
  var bytes = csvLine([""] + columns)
  for (i, name) in rows.enumerated() {
    bytes += csvField(name).utf8
    for j in columns.indices {
      bytes.append(UInt8(ascii: ","))
      bytes += csvNumber(values[i, j]).utf8
    }
    bytes.append(UInt8(ascii: "\n"))
  }
  return bytes
}

/// One line of RFC 4180.
func csvLine(_ fields: [String]) -> [UInt8] {
  Array((fields.map(csvField).joined(separator: ",") + "\n").utf8)
}

/// A number as JSON has it, which knows neither NaN nor infinities.
package func jsonNumber(_ value: Double) -> Double? { value.isFinite ? value : nil }

/// A number with all its digits; nothing where there is none.
func csvNumber(_ value: Double) -> String { value.isFinite ? value.description : "" }

private func csvField(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else {
    return text
  }
  // By bytes: a quotation mark with an accent is another letter, and a mark to readers of CSV all the same.
  let doubled = Array(text.utf8).replacing("\"".utf8, with: "\"\"".utf8)
  return "\"\(String(decoding: doubled, as: UTF8.self))\""
}

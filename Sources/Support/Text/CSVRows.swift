// Reads CSV tables.

/// One line of a table, or more where a field holds line feeds.
package struct CSVRow {
  /// Where it begins, counted from 1.
  package var line: Int
  package var fields: [String]
}

package struct CSVError: Error {
  package var line: Int
  package var reason: String
}

/// The rows of RFC 4180, with line feeds or carriage returns and line feeds. The last line need not
/// end with a line break; empty lines are skipped.
package func readCSV(_ text: String) throws(CSVError) -> [CSVRow] {
  var rows: [CSVRow] = []
  var line = 1
  var rest = text.unicodeScalars[...]
  // A mark of UTF-8, as spreadsheets write it.
  if rest.first == "\u{FEFF}" { rest.removeFirst() }
  while !rest.isEmpty {
    var row = CSVRow(line: line, fields: [])
    while true {
      var field = String.UnicodeScalarView()
      if rest.first == "\"" {
        rest.removeFirst()
        while true {
          guard let scalar = rest.popFirst() else {
            throw CSVError(line: row.line, reason: "found a quote that is not closed")
          }
          if scalar == "\"" {
            guard rest.first == "\"" else { break }
            rest.removeFirst()
          }
          if scalar == "\n" { line += 1 }
          field.append(scalar)
        }
      } else {
        while let scalar = rest.first, !",\r\n".unicodeScalars.contains(scalar) {
          guard scalar != "\"" else {
            throw CSVError(line: line, reason: "found a quote inside a field")
          }
          field.append(scalar)
          rest.removeFirst()
        }
      }
      row.fields.append(String(field))
      if rest.first == "," {
        rest.removeFirst()
        continue
      }
      if rest.first == "\r" { rest.removeFirst() }
      guard rest.isEmpty || rest.first == "\n" else {
        throw CSVError(line: line, reason: "found text after a quoted field")
      }
      _ = rest.popFirst()
      line += 1
      break
    }
    if row.fields != [""] { rows.append(row) }
  }
  return rows
}

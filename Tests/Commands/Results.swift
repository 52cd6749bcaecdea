import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

// The files of a result, read without the code that wrote them.

/// A result folder, all of it read and checked.
struct TestResult {
  static let files = [
    "cka.csv", "cka.npy", "heatmap.pdf", "heatmap.png", "heatmap.svg", "result.json",
  ]

  /// Every file's bytes.
  var bytes: [String: [UInt8]]
  var cka: TestMatrix
  var z: TestMatrix?
  var csv: [[String]]
  var json: [String: Any]

  /// Reads all files of a folder and expects that they belong together.
  init(_ cka: Cka, _ name: String = "cka-result") throws {
    let names = try cka.contents(of: name)
    #expect(names.filter { $0 != "z.npy" } == TestResult.files)
    var files: [String: [UInt8]] = [:]
    for file in names { files[file] = try cka.bytes("\(name)/\(file)") }
    bytes = files
    func file(_ name: String) throws -> [UInt8] { try #require(files[name], "\(name)") }

    self.cka = try TestMatrix(npy: file("cka.npy"))
    z = try files["z.npy"].map { try TestMatrix(npy: $0) }
    let text = String(validating: try file("cka.csv"), as: UTF8.self)
    csv = try parseCSV(#require(text))
    let object = try JSONSerialization.jsonObject(with: Data(file("result.json")))
    json = try #require(object as? [String: Any])
    let png = try file("heatmap.png")
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    #expect(png.suffix(8).starts(with: Array("IEND".utf8)), "a PNG without its end")
    try #require(isXML(file("heatmap.svg")), "the SVG is not well-formed")
    try expectAgreement()
  }

  /// The layers of a model in `result.json`.
  func layers(_ model: Int) throws -> [[String: Any]] {
    let models = try #require(json["models"] as? [[String: Any]])
    return try #require(models[model]["layers"] as? [[String: Any]])
  }

  /// The value at a path of keys in `result.json`.
  func json(_ keys: String...) -> Any? {
    keys.reduce(json as Any?) { ($0 as? [String: Any])?[$1] }
  }

  private func expectAgreement() throws {
    try #require(csv.count == cka.rows + 1)
    for (i, row) in csv.dropFirst().enumerated() {
      try #require(row.count == cka.columns + 1)
      for (j, text) in row.dropFirst().enumerated() {
        let value = cka[i, j]
        #expect(value.isNaN ? text.isEmpty : Double(text) == value, "cell \(i), \(j): \(text)")
      }
    }
  }
}

/// A float64 matrix from a `.npy` file.
struct TestMatrix: Equatable {
  var rows: Int
  var columns: Int
  var bits: [UInt64]

  subscript(i: Int, j: Int) -> Double { Double(bitPattern: bits[i * columns + j]) }

  init(npy bytes: [UInt8]) throws {
    try #require(bytes.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0]))
    let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    let header = String(decoding: bytes[10..<start], as: UTF8.self)
    #expect(header.contains("'descr': '<f8'") && header.contains("'fortran_order': False"))
    let shape = try #require(header.firstMatch(of: #/'shape': \((\d+), (\d+)\)/#))
    rows = try #require(Int(shape.1))
    columns = try #require(Int(shape.2))
    try #require(bytes.count == start + 8 * rows * columns)
    bits = (0..<(rows * columns)).map { index in
      (0..<8).reduce(0) { $0 | UInt64(bytes[start + index * 8 + $1]) << (8 * $1) }
    }
  }
}

extension Cka {
  /// The numbers of a `.npy` file behind a header that says `shape`.
  func numbers(_ name: String, shape: [Int]) throws -> [Double] {
    let bytes = try bytes(name)
    let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    let header = String(decoding: bytes[10..<start], as: UTF8.self)
    let expected = "'shape': (\(shape.map(String.init).joined(separator: ", ")))"
    #expect(header.contains("'descr': '<f8'") && header.contains(expected), "\(header)")
    try #require(bytes.count == start + 8 * shape.reduce(1, *))
    return (0..<shape.reduce(1, *)).map { index in
      Double(
        bitPattern: (0..<8).reduce(0) { $0 | UInt64(bytes[start + index * 8 + $1]) << (8 * $1) })
    }
  }
}

/// The fields of a table in RFC 4180's words: quotes only round a whole field, doubled inside.
func parseCSV(_ text: String) throws -> [[String]] {
  var rows: [[String]] = []
  var row: [String] = []
  var rest = Substring(text).unicodeScalars
  while !rest.isEmpty {
    var field = String.UnicodeScalarView()
    if rest.first == "\"" {
      rest.removeFirst()
      while true {
        let next = rest.popFirst()
        let scalar = try #require(next, "an open quote")
        if scalar == "\"" {
          guard rest.first == "\"" else { break }
          rest.removeFirst()
        }
        field.append(scalar)
      }
    } else {
      while let scalar = rest.first, scalar != ",", scalar != "\n" {
        try #require(scalar != "\"" && scalar != "\r", "a bare quote or carriage return")
        field.append(scalar)
        rest.removeFirst()
      }
    }
    row.append(String(field))
    let next = rest.popFirst()
    let end = try #require(next, "the last line is not ended")
    try #require(end == "," || end == "\n", "text after a quoted field")
    guard end == "\n" else { continue }
    rows.append(row)
    row = []
  }
  return rows
}

/// Whether the bytes are well-formed XML.
func isXML(_ bytes: [UInt8]) -> Bool { XMLParser(data: Data(bytes)).parse() }

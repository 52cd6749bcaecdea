import ActivationFiles
import Activations
import Foundation
import TestSupport
import Testing

@Suite struct NPYTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let types = ScalarType.allCases.filter { $0.numpyCode != nil }

  @Test(arguments: types, [false, true])
  func readsEveryTypeInBothByteOrders(type: ScalarType, bigEndian: Bool) throws {
    let values: [Double] = type == .bool ? [0, 1, 1, 0, 0, 1] : [1, 2, 3, 4, 6, 96]
    for version: UInt8 in 1...3 {
      let path = try folder.write(
        NPYFile.bytes(
          values, shape: [2, 3], type: type, bigEndian: bigEndian, version: version),
        to: "a.npy")
      let model = try ModelFiles(path: path)
      #expect(model.name == "a")
      #expect(model.layers.map(\.name) == ["a"])
      #expect(model.layers[0].scalarType == type)
      #expect(model.layers[0].memoryOrder == .rowMajor)
      #expect(model.layers[0].rows == [Array(values[..<3]), Array(values[3...])])
    }
  }

  @Test(arguments: [("=f4", false), ("|f4", false), ("f4", false), (">f4", true)])
  func readsByteOrderSigns(descr: String, bigEndian: Bool) throws {
    let data = [1.5, -2].flatMap { ScalarType.float32.bytes(of: $0, bigEndian: bigEndian) }
    let header = NPYFile.header(descr: descr, shape: [2, 1])
    let path = try folder.write(NPYFile.bytes(header: header, data: data), to: "a.npy")
    #expect(try ModelFiles(path: path).layers[0].rows == [[1.5], [-2]])
  }

  @Test(arguments: [
    ("<e", ScalarType.float16), ("<f", .float32), (">d", .float64), ("|?", .bool), ("|b", .int8),
    ("B", .uint8), ("<h", .int16), (">H", .uint16), ("=i", .int32), ("<I", .uint32), ("<q", .int64),
    ("<Q", .uint64),
  ])
  func readsNamesOfOneLetter(descr: String, type: ScalarType) throws {
    let data = [1, 0].flatMap { type.bytes(of: $0, bigEndian: descr.hasPrefix(">")) }
    let header = NPYFile.header(descr: descr, shape: [2])
    let path = try folder.write(NPYFile.bytes(header: header, data: data), to: "a.npy")
    let layer = try ModelFiles(path: path).layers[0]
    #expect(layer.scalarType == type)
    #expect(layer.rows == [[1], [0]])
  }

  @Test func readsFortranOrder() throws {
    let bytes = NPYFile.bytes([1, 4, 2, 5, 3, 6], shape: [2, 3], fortran: true)
    let layer = try ModelFiles(path: try folder.write(bytes, to: "a.npy")).layers[0]
    #expect(layer.memoryOrder == .columnMajor)
    #expect(layer.rows == [[1, 2, 3], [4, 5, 6]])
  }

  @Test func readsOneAxisAsOneFeature() throws {
    let bytes = NPYFile.bytes([1, 2, 3], shape: [3])
    let layer = try ModelFiles(path: try folder.write(bytes, to: "a.npy")).layers[0]
    #expect(layer.shape == LayerShape(exampleCount: 3, featureAxes: []))
    #expect(layer.rows == [[1], [2], [3]])
  }

  @Test func keepsFeatureAxes() throws {
    let numbers = (0..<24).map { (number: Int) -> Double in Double(number) }
    let bytes = NPYFile.bytes(numbers, shape: [2, 3, 2, 2])
    let layer = try ModelFiles(path: try folder.write(bytes, to: "a.npy")).layers[0]
    #expect(layer.shape.featureAxes == [3, 2, 2])
    layer.prefetch([0, 1])
    layer.evict()
    let rows = layer.rows
    #expect(rows[0] == Array(numbers[..<12]))
    #expect(rows[1] == Array(numbers[12...]))
  }

  @Test(arguments: [
    "{'shape': (1, 1), 'fortran_order': False, 'descr': '<f4'}",
    "{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(1,1,)}   ",
    "  { 'descr' : '<f4' ,\t'fortran_order' : True , 'shape' : ( 1L , 1L ) , }",
  ])
  func readsOtherSpellings(header: String) throws {
    let bytes = NPYFile.bytes(header: header, data: ScalarType.float32.bytes(of: 7))
    #expect(try ModelFiles(path: try folder.write(bytes, to: "a.npy")).layers[0].rows == [[7]])
  }

  @Test(arguments: [
    ("<c8", "complex"), ("|O", "never unpickled"), ("|S4", "strings"), ("<U4", "strings"),
    ("<M8[s]", "dates"), ("<m8", "dates"), ("|V3", "raw bytes"), ("|V1", "float8"),
    ("<f16", "floating point"),
    ("<f12", "expected f2"), ("", "expected f2"), ("<", "expected f2"), ("<<f4", "expected f2"),
    ("<i3", "expected f2"),
  ])
  func refusesOtherTypes(descr: String, word: String) throws {
    let header = NPYFile.header(descr: descr, shape: [1, 1])
    let path = try folder.write(
      NPYFile.bytes(header: header, data: [0, 0, 0, 0, 0, 0, 0, 0]), to: "a.npy")
    expectFailure(at: path, "a.npy", word)
  }

  @Test(arguments: [
    ("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1, 1)}", "structured"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "0-D"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1)}", "0 examples"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0)}", "0 features"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", "expected ','"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 1)}", "0 or more"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (01, 1)}", "01"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1.0, 1)}", "expected ','"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}", "expected ','"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "0 or more"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': [1, 1]}", "expected '('"),
    ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 1)}", "True or False"),
    ("{'descr': '<f4', 'fortran_order': Falsey, 'shape': (1, 1)}", "','"),
    ("{'descr': '<f4', 'shape': (1, 1)}", "expected the keys"),
    ("{}", "expected the keys"), ("", "the end"), ("x", "expected '{'"),
    ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}", "twice"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'x': 1}", "unknown key 'x'"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)} + 1", "nothing after"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)", "expected"),
    ("{'descr': '<f\\x34', 'fortran_order': False, 'shape': (1, 1)}", "plain string"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}", "more numbers"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2305843009213693952, 2)}", "more bytes"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 8)}", "numbers"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1)}", "longer"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1)}", "cut short"),
    ("{'descr': '<i1', 'fortran_order': False, 'shape': (9223372036854775807, 1)}", "cut short"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)}", "cut short"),
    ("{'descr': '<f2', 'fortran_order': False, 'shape': (1, 1)}", "2 bytes too long"),
  ])
  func refusesBadHeaders(header: String, word: String) throws {
    let path = try folder.write(
      NPYFile.bytes(header: header, data: [0, 0, 0, 0]), to: "a.npy")
    expectFailure(at: path, "a.npy", word)
  }

  @Test func refusesTooManyAxes() throws {
    let header = NPYFile.header(descr: "<f4", shape: Array(repeating: 1, count: 65))
    let path = try folder.write(NPYFile.bytes(header: header, data: [0, 0, 0, 0]), to: "a.npy")
    expectFailure(at: path, "65 axes")
  }

  @Test func refusesOtherVersionsAndLongHeaders() throws {
    let good = NPYFile.bytes([1], shape: [1, 1], version: 2)
    var bytes = good
    bytes[6] = 4
    expectFailure(at: try folder.write(bytes, to: "a.npy"), "version 4.0")
    bytes = good
    bytes[7] = 1
    expectFailure(at: try folder.write(bytes, to: "a.npy"), "version 2.1")
    bytes = good
    bytes.replaceSubrange(8..<12, with: [0xFF, 0xFF, 0xFF, 0xFF])
    expectFailure(at: try folder.write(bytes, to: "a.npy"), "header of 4294967295 bytes")
  }

  @Test(arguments: [1, 2, 3] as [UInt8])
  func refusesEveryPrefix(version: UInt8) throws {
    let bytes = NPYFile.bytes([1, 2, 3, 4], shape: [2, 2], version: version)
    _ = try ModelFiles(path: try folder.write(bytes, to: "a.npy"))
    for count in bytes.indices {
      expectFailure(at: try folder.write(Array(bytes[..<count]), to: "a.npy"), "a.npy")
    }
  }

  @Test func saysHowMuchIsMissing() throws {
    let bytes = NPYFile.bytes([1, 2, 3, 4], shape: [2, 2])
    let path = try folder.write(Array(bytes.dropLast(3)), to: "a.npy")
    expectFailure(
      at: path, "cut short: holds \(bytes.count - 3) bytes, its header promises \(bytes.count)")
  }

  @Test func aClaimedTerabyteIsNotAllocated() throws {
    let path = try folder.write(NPYFile.bytes([1], shape: [1, 1]), to: "a.npy")
    let header = NPYFile.header(descr: "<f8", shape: [1 << 27, 1024])
    try folder.write(NPYFile.bytes(header: header), to: "a.npy")
    expectFailure(at: path, "cut short", "1099511627")
  }

  @Test(arguments: [[3], [2, 3], [2, 0], [1, 2, 3]])
  func writesWhatItReads(shape: [Int]) throws {
    let values = (0..<shape.reduce(1, *)).map { Double($0) / 3 }
    let bytes = NPYWriter.data(shape: shape, float64: values)
    #expect((bytes.count - values.count * 8) % 64 == 0)
    let path = try folder.write(bytes, to: "a.npy")
    if values.isEmpty {
      expectFailure(at: path, "0 features")
    } else {
      let layer = try ModelFiles(path: path).layers[0]
      #expect([layer.shape.exampleCount] + layer.shape.featureAxes == shape)
      #expect(layer.rows.flatMap { $0 } == values)
    }
  }
}

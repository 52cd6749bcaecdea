import Foundation
import Glibc
import TestSupport
import Testing

/// Input that cannot be used: the exact exit code, one line that names the file, nothing written.
@Suite(.serialized) struct BadInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let status: Int32
    /// The file that the line must name.
    let file: String
    /// What to hand to `compare`.
    let arguments: [String]
    let make: @Sendable (TemporaryFolder) throws -> Void

    var testDescription: String { name }

    init(
      _ name: String, _ status: Int32 = 65, names file: String, arguments: [String]? = nil,
      _ make: @escaping @Sendable (TemporaryFolder) throws -> Void
    ) {
      self.name = name
      self.status = status
      self.file = file
      self.arguments = arguments ?? [file]
      self.make = make
    }
  }

  private static func npy(_ header: String, data: Int = 96, length: Int? = nil) -> [UInt8] {
    NPYFile.bytes(header: header, data: [UInt8](repeating: 1, count: data), length: length)
  }

  private static func npyCase(_ name: String, _ bytes: [UInt8]) -> Case {
    Case("npy: \(name)", names: "x.npy") { try $0.write(bytes, to: "x.npy") }
  }

  private static func dict(_ descr: String, _ shape: String = "(8, 3)") -> String {
    "{'descr': \(descr), 'fortran_order': False, 'shape': \(shape), }"
  }

  private static let good = NPYFile.bytes([Double](repeating: 2, count: 24), shape: [8, 3])

  private static let npyCases: [Case] = [
    npyCase("empty", []),
    npyCase("not one", Array("hello, this is no array".utf8)),
    npyCase("cut in its header", Array(good.prefix(20))),
    npyCase("cut in its data", Array(good.dropLast(5))),
    npyCase("longer than it says", good + [0]),
    npyCase("a header longer than the file", npy(dict("'<f4'"), length: 60_000)),
    npyCase("a wrapping product", npy(dict("'<f4'", "(4611686018427387904, 8)"))),
    npyCase("a terabyte", npy(dict("'<f4'", "(1000000, 262144)"))),
    npyCase("a negative length", npy(dict("'<f4'", "(-8, 3)"))),
    npyCase(
      "a number of 40 digits", npy(dict("'<f4'", "(\(String(repeating: "9", count: 40)), 3)"))),
    npyCase("zero examples", npy(dict("'<f4'", "(0, 3)"), data: 0)),
    npyCase("zero dimensions", npy(dict("'<f4'", "()"), data: 4)),
    npyCase("complex", npy(dict("'<c8'"))),
    npyCase("objects", npy(dict("'|O'"))),
    npyCase("strings", npy(dict("'<U1'"))),
    npyCase("a structure", npy(dict("[('a', '<f4')]"))),
    npyCase("a header of code", npy("__import__('os').system('true')")),
    npyCase("a key twice", npy("{'descr': '<f4', 'descr': '<f4', 'shape': (8, 3), }")),
  ]

  private static func safetensors(_ name: String, _ header: String, length: UInt64? = nil) -> Case {
    Case("safetensors: \(name)", names: "x.safetensors") {
      let data = [UInt8](repeating: 1, count: 96)
      try $0.write(
        SafetensorsFile.bytes(header: header, data: data, length: length), to: "x.safetensors")
    }
  }

  private static func entry(_ offsets: [Int], dtype: String = "F32", shape: [Int] = [8, 3])
    -> String
  {
    SafetensorsFile.entry("a", dtype: dtype, shape: shape, offsets: offsets)
  }

  private static let safetensorsCases: [Case] = [
    safetensors("a header longer than the file", "{\(entry([0, 96]))}", length: 1 << 40),
    safetensors("a header of 2⁶⁴ bytes", "{\(entry([0, 96]))}", length: .max),
    safetensors("data behind the end", "{\(entry([0, 9600], shape: [800, 3]))}"),
    safetensors("offsets that go back", "{\(entry([96, 0]))}"),
    safetensors("a size that is not the shape's", "{\(entry([0, 96], shape: [9, 3]))}"),
    safetensors("a wrapping product", "{\(entry([0, 96], shape: [1 << 62, 8]))}"),
    safetensors("a type unknown", "{\(entry([0, 96], dtype: "F8_E4M3"))}"),
    safetensors("a name twice", "{\(entry([0, 96])),\(entry([0, 96]))}"),
    safetensors("JSON without an end", "{\(entry([0, 96]))"),
    safetensors("nested without an end", String(repeating: "[", count: 100_000)),
  ]

  private static let archiveCases: [Case] = [
    Case("npz: cut short", names: "x.npz") {
      let archive = ZipFile.bytes([(name: "a.npy", data: good)])
      try $0.write(Array(archive.dropLast(30)), to: "x.npz")
    },
    Case("npz: a name twice", names: "x.npz") {
      let archive = ZipFile.bytes([(name: "a.npy", data: good), (name: "a.npy", data: good)])
      try $0.write(archive, to: "x.npz")
    },
    Case("npz: a member of objects", names: "x.npz") {
      try $0.write(ZipFile.bytes([(name: "a.npy", data: npy(dict("'|O'")))]), to: "x.npz")
    },
    Case("npz: a member that is longer than the archive", names: "x.npz") {
      var entry = ZipFile.Entry("a.npy", good)
      entry.claimedSize = 4_000_000_000
      entry.claimedPackedSize = 4_000_000_000
      try $0.write(ZipFile.bytes([entry]), to: "x.npz")
    },
    Case("npz: layers of other examples", names: "x.npz") {
      let other = NPYFile.bytes([Double](repeating: 2, count: 27), shape: [9, 3])
      let archive = ZipFile.bytes([(name: "a.npy", data: good), (name: "b.npy", data: other)])
      try $0.write(archive, to: "x.npz")
    },
    Case("a PyTorch file", names: "x.pt") {
      try $0.write(ZipFile.bytes([(name: "x/data.pkl", data: [0x80, 2])]), to: "x.pt")
    },
    Case("HDF5", names: "x.h5") {
      try $0.write([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10], to: "x.h5")
    },
  ]

  private static let placeCases: [Case] = [
    Case("missing", 66, names: "nothing") { _ in },
    Case("below a file", 66, names: "a/b") { try $0.write("x", to: "a") },
    Case("an empty folder", 66, names: "m") {
      try FileManager.default.createDirectory(
        atPath: $0.path + "/m", withIntermediateDirectories: true)
    },
    Case("a FIFO", 66, names: "fifo") { mkfifo($0.path + "/fifo", 0o600) },
    Case("a FIFO among layers", 66, names: "m/b.npy", arguments: ["m"]) {
      try $0.write(good, to: "m/a.npy")
      mkfifo($0.path + "/m/b.npy", 0o600)
    },
    Case("a device", 66, names: "/dev/zero") { _ in },
    Case("a loop of links", 66, names: "a") {
      symlink("b", $0.path + "/a")
      symlink("a", $0.path + "/b")
    },
    Case("models of other examples", names: "n", arguments: ["m", "n"]) {
      try $0.writeModel("m", examples: 10)
      try $0.writeModel("n", examples: 11)
    },
    Case("models of other IDs", names: "n", arguments: ["m", "n"]) {
      for (model, last) in [("m", "c"), ("n", "x")] {
        try $0.writeModel(model, examples: 4)
        try $0.write("{\"examples\": [\"a\", \"b\", 7, \"\(last)\"]}", to: "\(model)/layers.json")
      }
    },
    Case("a list of other layers", names: "layers.json", arguments: ["m"]) {
      try $0.writeModel("m", examples: 4)
      try $0.write("{\"layers\": [{\"name\": \"conv9\"}]}", to: "m/layers.json")
    },
    Case("a name of two lines", 66, names: "no\\nsuch", arguments: ["no\nsuch"]) { _ in },
  ]

  @Test(arguments: npyCases + safetensorsCases + archiveCases + placeCases)
  func isRefused(bad: Case) throws {
    let folder = try TemporaryFolder()
    try bad.make(folder)
    let before = try folder.contents()
    // No claim of a file may make the command take more than 200 MB.
    let memory = 200_000_000 / 1024
    let result = try Command.run(
      ["compare", "--device", "cpu"] + bad.arguments, in: folder, memory: memory)
    #expect(result.status == bad.status)
    #expect(result.messages.count == 1, "\(result.errors)")
    #expect(result.messages.first?.hasPrefix("cka: error: ") == true)
    #expect(result.errors.contains(bad.file), "\(result.errors)")
    #expect(result.output.isEmpty)
    #expect(try folder.contents() == before)
    if bad.status == 65 || bad.status == 66, bad.arguments.count == 1 {
      let inspected = try Command.run(
        ["inspect", bad.arguments[0]], in: folder, memory: memory)
      #expect(inspected.status == bad.status && inspected.messages == result.messages)
    }
  }

  @Test(arguments: [
    ["--estimator", "best"], ["--batch-size", "3"], ["--passes", "0"], ["--bandwidth", "1"],
    ["--kernel", "rbf", "--bandwidth", "1", "--sigma", "1"], ["--kernel", "rbf", "--sigma", "-1"],
    ["--kernel", "rbf", "--bandwidth", "nan"], ["--device", "gpu"], ["--device", "opencl:x"],
    ["--order", "random"], ["--ragged", "yes"], ["--pool", "max"], ["--nonsense"], ["m", "m"],
  ]) func wrongUsage(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 8)
    let result = try Command.run(["compare", "m"] + arguments, in: folder)
    #expect(result.status == 64, "\(result.errors)")
    #expect(result.output.isEmpty && !result.errors.isEmpty)
    #expect(try folder.contents() == ["m"])
  }
}

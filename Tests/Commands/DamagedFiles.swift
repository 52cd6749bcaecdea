import Foundation
import TestSupport
import Testing

/// Something that is no usable model, and how the command must end on it.
struct DamagedModel: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var code: Int32 = 65
  /// What the message must name besides the model's own file.
  let words: [String]
  /// Makes the model `name` in a folder.
  let make: @Sendable (TemporaryFolder, _ name: String) throws -> Void

  /// A file of the given bytes.
  static func file(_ description: String, _ bytes: [UInt8], _ words: String...) -> DamagedModel {
    DamagedModel(testDescription: description, words: words) { try $0.write(bytes, to: $1) }
  }

  /// A folder of the given files.
  static func folder(
    _ description: String, _ files: [String: [UInt8]], code: Int32 = 65, _ words: String...
  ) -> DamagedModel {
    DamagedModel(testDescription: description, code: code, words: words) { folder, name in
      try FileManager.default.createDirectory(
        atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
      for (file, bytes) in files { try folder.write(bytes, to: "\(name)/\(file)") }
    }
  }
}

/// Files with wrong contents, by format.
enum DamagedFiles {
  private static let model = TestModel(layers: 3, n: 12)
  private static let data = [UInt8](repeating: 0, count: 96)

  private static func npy(
    _ descr: String, _ shape: String, _ data: [UInt8] = data
  ) -> [UInt8] {
    NPYFile.bytes(
      header: "{'descr': \(descr), 'fortran_order': False, 'shape': \(shape), }", data: data)
  }

  static let npyFiles: [DamagedModel] = {
    let whole = model.npy(0)
    let cuts = [4, 9, 11, 60, whole.count - 1].map {
      DamagedModel.file(".npy cut to \($0) bytes", Array(whole.prefix($0)))
    }
    let types = ["'<c8'", "'>c16'", "'|O'", "'<U5'", "'|S3'", "'<M8[ns]'", "'|V3'", "'<f16'", "7"]
      .map { DamagedModel.file(".npy of type \($0)", npy($0, "(4, 6)")) }
    let shapes = [
      "(4294967296, 4294967296)", "(4611686018427387904, 4)", "(9223372036854775807, 2)",
      "(99999999999999999999, 1)", "(1000000000, 1000)", "(-4, 6)", "()", "(0, 6)", "(4, 0)",
      "(4, 5)", "(4, 7)", "(4.0, 6)", "4", "(4, 6", "[4, 6]",
      "(" + String(repeating: "1, ", count: 100) + ")",
    ].map { DamagedModel.file(".npy of shape \($0.prefix(30))", npy("'<f4'", $0)) }
    return cuts + types + shapes + [
      .file(".npy with a tail", whole + [0, 0, 0], "3 bytes too long"),
      .file(".npy, structured", npy("[('a', '<f4'), ('b', '<f4')]", "(4, 3)"), "structured"),
      .file(".npy of version 9", NPYFile.bytes(header: "{}", version: 9), "version 9"),
      .file(".npy with a lying header", NPYFile.bytes(header: "{}", length: 65_535), "cut short"),
      .file(
        ".npy with a header of 4 GiB",
        NPYFile.bytes(header: "{}", version: 2, length: 0xFFFF_FFFF), "4294967295"),
      .file(
        ".npy with code", NPYFile.bytes(header: "__import__('os').system('touch result')"),
        "unreadable .npy header"),
      .file(".npy without a shape", NPYFile.bytes(header: "{'descr': '<f4'}"), "shape"),
      .file(
        ".npy with two shapes",
        npy("'<f4'", "(4, 6), 'shape': (4, 6)"), "'shape' appears twice"),
    ]
  }()

  static let npzFiles: [DamagedModel] = {
    let whole = model.npz
    let cuts = [4, 100, whole.count / 2, whole.count - 10, whole.count - 1].map {
      DamagedModel.file(".npz cut to \($0) bytes", Array(whole.prefix($0)))
    }
    func archive(_ change: (inout ZipFile.Entry) -> Void) -> [UInt8] {
      var entry = ZipFile.Entry("layer0.npy", model.npy(0))
      change(&entry)
      return ZipFile.bytes([entry, ZipFile.Entry("layer1.npy", model.npy(1))])
    }
    let inner = [npy("'<c8'", "(4, 6)"), npy("'|O'", "(4, 6)"), npy("'<f4'", "(4294967296, 9)")]
      .map { data in
        DamagedModel.file(
          ".npz of a wrong array", ZipFile.bytes([(name: "layer0.npy", data: data)]), "layer0")
      }
    return cuts + inner + [
      .file(
        ".npz with a name twice",
        ZipFile.bytes([("a.npy", model.npy(0)), ("a.npy", model.npy(1))]), "'a.npy' twice"),
      .file(".npz without arrays", ZipFile.bytes([(name: String, data: [UInt8])]()), "no arrays"),
      .file(".npz with a text", ZipFile.bytes([("a.txt", [65])]), "a.txt", ".npy"),
      .file(".npz of a .pt", ZipFile.bytes([("archive/data.pkl", [0x80, 2])]), "torch.load"),
      .file(".npz, encrypted", archive { $0.flags = 1 }, "layer0", "encrypted"),
      .file(".npz packed by method 14", archive { $0.method = 14 }, "layer0", "method 14"),
      .file(".npz with a lying size", archive { $0.claimedSize = 0xFFFF_FFF0 }, "layer0"),
      .file(
        ".npz with two lying sizes",
        archive { entry in
          entry.claimedSize = 0x7FFF_FFF0
          entry.claimedPackedSize = 0x7FFF_FFF0
        }, "claim more bytes"),
      .file(
        ".npz with a bomb",
        archive { entry in
          entry.method = 8
          entry.claimedSize = 0xF000_0000
        }, "layer0", "claims"),
      .file(
        ".npz whose member is longer than it says",
        archive { entry in
          entry.method = 8
          entry.claimedSize = 100
        }, "layer0"),
      .file(
        ".npz with a wrong CRC",
        archive { entry in
          entry.method = 8
          entry.claimedCRC = 1
        }, "layer0"),
    ]
  }()

  static let safetensorsFiles: [DamagedModel] = {
    let whole = model.safetensors
    let cuts = [5, 8, 20, whole.count / 2, whole.count - 1].map {
      DamagedModel.file(".safetensors cut to \($0) bytes", Array(whole.prefix($0)))
    }
    let lengths: [UInt64] = [0x7FFF_FFFF_FFFF_FFFF, .max, 1 << 40, 99_999_999, 1000, 1, 0]
    let lies = lengths.map {
      DamagedModel.file(
        ".safetensors with a header of \($0)",
        SafetensorsFile.bytes(header: "{\"a\":{}}", data: data, length: $0))
    }
    let types = ["C64", "F8_E8M0", "STRING", "", "f32"].map {
      DamagedModel.file(
        ".safetensors of type \($0)", tensors([("a", $0, [4, 6], [0, 96])]), "'a'", "dtype")
    }
    let shapes: [([Int], [Int])] = [
      ([1 << 32, 1 << 32], [0, 0]), ([1 << 62, 4], [0, 0]), ([1 << 61, 2], [0, 96]),
      ([4, 6], [0, 95]), ([4, 6], [96, 0]), ([4, 6], [1, 97]), ([4, 6], [0, 96, 96]),
      ([4, 7], [0, 112]), ([0, 4], [0, 0]), ([], [0, 4]), ([-4, 6], [0, 96]),
      ([4, 6], [-96, 0]), ([4, 6], [Int.max - 95, Int.max]),
    ]
    let wrong = shapes.map {
      DamagedModel.file(
        ".safetensors of shape \($0.0) at \($0.1)", tensors([("a", "F32", $0.0, $0.1)]))
    }
    return cuts + lies + types + wrong + [
      .file(
        ".safetensors with a name twice",
        tensors([("a", "F32", [4, 3], [0, 48]), ("a", "F32", [4, 3], [48, 96])]), "'a'", "twice"),
      .file(
        ".safetensors with an overlap",
        tensors([("a", "F32", [4, 4], [0, 64]), ("b", "F32", [4, 4], [32, 96])]), "overlaps"),
      .file(
        ".safetensors with a gap",
        tensors([("a", "F32", [4, 2], [0, 32]), ("b", "F32", [4, 2], [64, 96])]), "gap"),
      .file(".safetensors with a tail", tensors([("a", "F32", [4, 4], [0, 64])]), "only 64"),
      .file(
        ".safetensors, nested deep",
        SafetensorsFile.bytes(header: "{\"a\":" + String(repeating: "[", count: 100_000)), "deep"),
      .file(".safetensors of text", SafetensorsFile.bytes(header: "{layers}"), "JSON"),
      .file(".safetensors without tensors", SafetensorsFile.bytes(header: "{}  "), "no tensors"),
    ]
  }()

  private static func tensors(
    _ entries: [(name: String, type: String, shape: [Int], offsets: [Int])]
  ) -> [UInt8] {
    let entries = entries.map {
      SafetensorsFile.entry($0.name, dtype: $0.type, shape: $0.shape, offsets: $0.offsets)
    }
    return SafetensorsFile.bytes(header: "{\(entries.joined(separator: ","))}", data: data)
  }
}

#if HDF5
  import ActivationFiles
  import Activations
  import Foundation
  import TestSupport
  import Testing

  /// `cka` on HDF5 files.
  @Suite struct HDF5CommandTests {
    /// Arrays in every layout, which h5py wrote.
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(
        "Activations/Files/HDF5Files/layouts.h5"
      ).path

    @Test(arguments: [
      ["--batch-size", "8"],
      ["--estimator", "unbiased", "--pool", "mean", "--layout", "channels-last"],
    ])
    func givesTheBitsOfTheSameArraysAsNPY(options: [String]) throws {
      let cka = try Cka()
      let names = try ModelFiles(path: Self.file).layers.map(\.name)
      let values = (0..<1380).map { (index: Int) -> Double in
        let value = (37 * index + 11) % 251 - 125
        return Double(value) / 8
      }
      for name in names {
        let isHalf = name == "half-big"
        try cka.folder.write(
          NPYFile.bytes(
            values, shape: [23, 5, 4, 3], type: isHalf ? .float16 : .float32, bigEndian: isHalf),
          to: "npy/\(name).npy")
      }
      let order = names.map { #"{"name": "\#($0)"}"# }.joined(separator: ", ")
      try cka.folder.write(#"{"layers": [\#(order)]}"#, to: "npy/layers.json")
      for (model, output) in [(Self.file, "from-h5"), ("npy", "from-npy")] {
        let run = try cka.run(
          ["compare", model, "--device", "cpu", "--output", output, "--quiet"] + options)
        #expect(run.code == 0, "\(run.errors)")
      }
      func scores(_ folder: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(cka.folder.path)/\(folder)/cka.npy"))
      }
      #expect(try scores("from-h5") == scores("from-npy"))
    }

    /// libhdf5 recurses for ever in this file, and its process dies of it.
    @Test func aFileThatCrashesLibhdf5EndsWithOneLine() throws {
      let cka = try Cka()
      let groups = URL(fileURLWithPath: Self.file).deletingLastPathComponent()
        .appendingPathComponent("groups.h5")
      var bytes = try Array(Data(contentsOf: groups))
      let node = try #require(
        bytes.indices.dropLast(40).first { bytes[$0..<$0 + 4].elementsEqual("TREE".utf8) })
      bytes[node + 5] = 1
      withUnsafeBytes(of: UInt64(node)) { bytes.replaceSubrange(node + 32..<node + 40, with: $0) }
      try cka.folder.write(bytes, to: "m.h5")
      for command in ["inspect", "compare"] {
        let run = try cka(command, "m.h5")
        #expect(run.code == 65, "\(run.errors)")
        #expect(run.errors.contains("m.h5: damaged: libhdf5 crashed on it"))
        #expect(run.errors.split(separator: "\n").count == 1)
      }
      #expect(try cka.contents() == ["m.h5"])
    }

    @Test func aDamagedChunkEndsTheRunWithItsName() throws {
      let cka = try Cka()
      var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: Self.file)))
      // The start of a zlib stream of default strength; shuffled numbers begin it in this file, too.
      let streams = bytes.indices.dropLast(2).filter { bytes[$0] == 0x78 && bytes[$0 + 1] == 0x5E }
      for place in streams { bytes[place + 2] = 0xFF }
      try cka.folder.write(bytes, to: "m.h5")
      #expect(try cka("inspect", "m.h5").code == 0)
      let run = try cka("compare", "m.h5", "--device", "cpu", "--batch-size", "8")
      #expect(run.code == 65, "\(run.errors)")
      #expect(run.errors.contains("m.h5: dataset '"))
      #expect(run.errors.contains("chunk at [") && run.errors.contains("damaged"))
      #expect(try cka.contents() == ["m.h5"])
    }
  }
#endif

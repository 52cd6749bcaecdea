import ActivationFiles
import Activations
import Foundation
import TestSupport
import Testing

/// The files that `HDF5Files/make.py` wrote with h5py.
private func fixture(_ name: String) -> String {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  return folder.appendingPathComponent("HDF5Files/\(name).h5").path
}

#if HDF5
  /// The values of every array of `make.py`: see there.
  private func expected(_ layer: LayerActivations) -> [[Double]] {
    let p = layer.shape.featureCount
    return (0..<layer.shape.exampleCount).map { example in
      (0..<p).map { feature in
        let value = (37 * (example * p + feature) + 11) % 251 - 125
        switch layer.scalarType {
        case .float16, .bfloat16, .float32, .float64: return Double(value) / 8
        case .uint8, .uint16, .uint32, .uint64: return Double(value + 125)
        case .bool: return value % 2 == 0 ? 0 : 1
        default: return Double(value)
        }
      }
    }
  }

  @Suite struct HDF5Tests {
    @Test func readsEveryTypeInBothByteOrders() throws {
      let model = try ModelFiles(path: fixture("types"))
      #expect(model.name == "types")
      let codes = Dictionary(
        uniqueKeysWithValues: ScalarType.allCases.compactMap { type in
          type.numpyCode.map { ($0, type) }
        })
      var types: Set<ScalarType> = []
      for layer in model.layers {
        let parts = layer.name.split(separator: "-").map(String.init)
        let type = codes[parts[0]] ?? ScalarType(rawValue: parts[0])
        #expect(layer.scalarType == type, "\(layer.name)")
        #expect(
          layer.isByteSwapped == (parts.last == "big" && layer.scalarType.size > 1),
          "\(layer.name)")
        #expect(layer.shape == LayerShape(exampleCount: 6, featureAxes: [5]))
        try layer.check()
        #expect(layer.rows == expected(layer), "\(layer.name)")
        types.insert(layer.scalarType)
      }
      #expect(model.layers.count == 24)
      #expect(types == Set(ScalarType.allCases).subtracting([.float8e4m3, .float8e5m2]))
    }

    @Test(arguments: ["layouts", "layouts-latest"])
    func readsEveryLayout(file: String) throws {
      let model = try ModelFiles(path: fixture(file))
      #expect(model.layers.count == 13)
      for layer in model.layers {
        #expect(layer.shape == LayerShape(exampleCount: 23, featureAxes: [5, 4, 3]))
        try layer.check()
        layer.prefetch([0, 5])
        #expect(layer.rows == expected(layer), "\(layer.name)")
        // The values stay when their memory is let go of.
        layer.evict()
        #expect(layer.rows == expected(layer), "\(layer.name)")
      }
    }

    @Test(arguments: ["layouts", "layouts-latest"])
    func copiesRowsWithoutTouchingTheMapping(file: String) throws {
      for layer in try ModelFiles(path: fixture(file)).layers {
        let rows = expected(layer)
        let size = layer.scalarType.size
        var bytes = [UInt8](repeating: 0, count: 7 * size)
        for example in [22, 0, 13] {
          try bytes.withUnsafeMutableBytes {
            try layer.read((3 * size)..<(10 * size), of: example, into: $0.baseAddress!)
          }
          let values = bytes.withUnsafeBytes { buffer in
            (0..<7).map {
              layer.scalarType.value(
                at: buffer.baseAddress! + $0 * size, isByteSwapped: layer.isByteSwapped)
            }
          }
          #expect(values == Array(rows[example][3..<10]), "\(layer.name)")
        }
      }
    }

    @Test func numbersInOnePieceAreNotCopied() throws {
      let path = fixture("types")
      let file = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
      let layer = try ModelFiles(path: path).layers.first { $0.name == "f8-little" }
      let block = try #require(layer?.blocks.first)
      // Where the mapping begins follows from where these bytes are in the file.
      let numbers = Array(block.bytes)
      let offset = try #require(
        (0...(file.count - numbers.count)).first { file[$0..<($0 + numbers.count)] == numbers[...] }
      )
      let start = try #require(block.bytes.baseAddress) - offset
      #expect(Array(UnsafeRawBufferPointer(start: start, count: file.count)) == file)
    }

    @Test func readsWhatLZFPacked() throws {
      let model = try ModelFiles(path: fixture("lzf"))
      for layer in model.layers { try layer.check() }
      let layers = Dictionary(uniqueKeysWithValues: model.layers.map { ($0.name, $0) })
      for name in ["plain", "shuffle", "checksum", "everything"] {
        let layer = try #require(layers[name])
        #expect(layer.rows == expected(layer), "\(name)")
      }
      #expect(layers["zeros"]?.rows == Array(repeating: Array(repeating: 0, count: 300), count: 23))
      #expect(layers["noise"]?.rows == layers["noise-stored"]?.rows)
      #expect(model.layers.count == 7)
    }

    /// Addresses of numbers that are not unpacked yet have no memory.
    @Test func aRowIsThereBeforeAnybodyChecksTheFile() throws {
      for layer in try ModelFiles(path: fixture("layouts")).layers {
        let (start, stride) = try layer.row(22)
        let numbers = (0..<60).map {
          layer.scalarType.value(at: start + $0 * stride, isByteSwapped: layer.isByteSwapped)
        }
        #expect(numbers == expected(layer)[22], "\(layer.name)")
      }
    }

    /// MATLAB's 6 × 5 array lies in the file as 5 × 6.
    @Test func examplesOfMATLABAreItsRows() throws {
      let model = try ModelFiles(path: fixture("matlab"))
      let shapes = [
        "double": [5], "packed": [5], "map": [2, 3, 4], "int8": [5], "logical": [5], "column": [1],
        "net/conv1": [5],
      ]
      #expect(Set(model.layers.map(\.name)) == Set(shapes.keys))
      for layer in model.layers {
        try layer.check()
        #expect(
          layer.shape == LayerShape(exampleCount: 6, featureAxes: shapes[layer.name] ?? []),
          "\(layer.name)")
        let rows = expected(layer)
        // In memory the first of a map's axes is the fastest, as in NumPy's Fortran order.
        let inMemory =
          layer.name == "map"
          ? rows.map { row in (0..<24).map { row[$0 % 2 * 12 + $0 / 2 % 3 * 4 + $0 / 6] } } : rows
        #expect(layer.rows == inMemory, "\(layer.name)")
      }
      #expect(model.layers.first { $0.name == "logical" }?.scalarType == .bool)
      let skipped = Dictionary(uniqueKeysWithValues: model.skipped.map { ($0.name, $0.reason) })
      let reasons = [
        "text": "MATLAB's 'char'", "empty": "an empty array", "cells": "references",
        "sparse": "a sparse matrix", "#refs#": "the contents of MATLAB's cells",
      ]
      #expect(Set(skipped.keys) == Set(reasons.keys))
      for (name, words) in reasons {
        #expect(skipped[name]?.contains(words) == true, "\(name): \(skipped[name] ?? "")")
      }
    }

    /// One dataset that is no layer does not lock the file.
    @Test func otherDatasetsAreNamedAndLeftOut() throws {
      let model = try ModelFiles(path: fixture("mixed"))
      #expect(model.layers.map(\.name) == ["a", "group/b"])
      for layer in model.layers { #expect(layer.rows == expected(layer)) }
      let reasons = [
        "epoch": "0-D", "names": "strings", "table": "compound", "elsewhere": "another file",
        "nowhere": "dangling", "unwritten": "never written", "chunks": "never written",
        "other": "5 examples",
        "loop": "already listed", "packed": "the filter 6",
      ]
      #expect(Set(model.skipped.map(\.name)) == Set(reasons.keys))
      for array in model.skipped {
        #expect(array.reason.contains(reasons[array.name] ?? "?"), "\(array)")
      }
    }

    /// One name that is not UTF-8 once refused the whole file, and of two that look the same the second was
    /// "there twice".
    @Test func namesAreToldApartByTheirBytes() throws {
      let model = try ModelFiles(path: fixture("names"))
      let names = model.layers.map { Array($0.name.utf8) }
      #expect(names == ["e\u{301}", "\u{E9}"].map { Array($0.utf8) })
      #expect(model.layers.map(\.shape.featureCount) == [2, 3])
      for layer in model.layers { #expect(layer.rows == expected(layer)) }
      #expect(
        Set(model.skipped.map(\.name)) == [#"caf\xE9"#, #"caf\xE8"#, #"gr\xE9/in"#])
      #expect(model.skipped.allSatisfy { $0.reason.contains("not UTF-8") })
    }

    /// Once "damaged or cut short".
    @Test(arguments: ["newer", "newest"]) func filesOfANewerHDF5AreCalledSo(file: String) {
      expectFailure(at: fixture("refused-\(file)"), "needs a newer HDF5", "version", "libver")
    }

    @Test func threadsUnpackOnce() throws {
      let layer = try ModelFiles(path: fixture("layouts")).layers.first { $0.name == "everything" }
      let chosen = try #require(layer)
      let values = expected(chosen)
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        #expect(throws: Never.self) { try chosen.check() }
        #expect(chosen.rows == values)
      }
    }

    @Test func namesAndOrdersLayers() throws {
      let groups = try ModelFiles(path: fixture("groups"))
      #expect(
        groups.layers.map(\.name) == [
          "again", "fc", "stage2/conv9", "stage2/conv10", "stage2/deep/er/x", "stage10/conv",
        ])
      for layer in groups.layers { #expect(layer.rows == expected(layer)) }
      let tracked = try ModelFiles(path: fixture("tracked"))
      #expect(
        tracked.layers.map(\.name) == [
          "zeta/y", "zeta/x", "b10/y", "b10/x", "b9/x", "b9/y", "alpha/y", "alpha/x",
        ])
      let behind = try ModelFiles(path: fixture("userblock"))
      #expect(behind.layers.map(\.name) == ["x", "y"])
      for layer in behind.layers {
        try layer.check()
        #expect(layer.rows == expected(layer))
      }
    }

    @Test func readsWhatTheListSays() throws {
      let folder = try TemporaryFolder()
      try FileManager.default.copyItem(
        atPath: fixture("userblock"), toPath: "\(folder.path)/a.hdf5")
      try folder.write(
        #"{"layers": [{"name": "y", "stage": 2}, {"name": "x"}], "examples": [1, 2, 3, 4]}"#,
        to: "layers.json")
      let model = try ModelFiles(path: "\(folder.path)/a.hdf5")
      #expect(model.name == "a")
      #expect(model.layers.map(\.name) == ["y", "x"])
      #expect(model.layers.map(\.stage) == ["2", nil])
      #expect(model.exampleIDs == ["1", "2", "3", "4"])
    }

    @Test func joinsShards() throws {
      let folder = try TemporaryFolder()
      for name in ["part10.h5", "part9.h5"] {
        try FileManager.default.copyItem(
          atPath: fixture("layouts"), toPath: "\(folder.path)/\(name)")
      }
      let model = try ModelFiles(path: folder.path)
      #expect(model.layers.count == 13)
      for layer in model.layers {
        try layer.check()
        let rows = layer.rows
        #expect(rows.count == 46)
        #expect(rows[..<23] == rows[23...])
      }
      try folder.write(NPYFile.bytes([1, 2], shape: [2, 1]), to: "part11.npy")
      expectFailure(at: folder.path, ".npy", "expected only .h5 files")
    }

    @Test(arguments: [
      ("complex", "complex numbers"), ("compound", "compound"), ("strings", "strings"),
      ("text", "strings"), ("opaque", "opaque"), ("enumeration", "enumeration"),
      ("array", "an array itself"), ("null", "null dataspace"), ("scalar", "0-D"),
      ("no-examples", "0 examples"), ("unwritten", "never written"),
      ("scaleoffset", "the filter 6"),
      ("references", "references"), ("variable", "variable length"), ("virtual", "virtual"),
      ("external-storage", "in another file"), ("chunk-missing", "[4, 0] was never written"),
      ("claims-examples", "holds 48 bytes, its shape needs 13194139533312"),
      ("claims-bytes", "end behind the file's"),
      ("claims-chunks", "claims more chunks than the file's"),
      ("claims-axis", "claims more chunks than the file's"),
      ("claims-chunk-bytes", "claims 2147483648 bytes from"),
      ("odd-integers", "numbers of 2 bytes in a layout of their own"),
    ])
    func refusesDatasets(file: String, words: String) {
      expectFailure(at: fixture("refused-\(file)"), "dataset 'x'", words)
    }

    @Test(arguments: [
      ("nothing", "holds no arrays"), ("external-link", "link 'x': found a link to another file"),
      ("soft-external", "link 'a': found a dangling soft link"),
      ("dangling", "link 'x': found a dangling soft link"),
      ("soft-loop", "link 'x': found a dangling soft link"),
      ("group-loop", "link 'a/b/c': refers to a group that is already listed"),
      ("deep", "more than 64 groups"), ("unlike", "has 4 examples"),
    ])
    func refusesStructures(file: String, words: String) {
      expectFailure(at: fixture("refused-\(file)"), words)
    }
  }
#else
  @Suite struct HDF5Tests {
    @Test func sayWhatIsMissing() {
      for name in ["types", "userblock"] {
        expectFailure(at: fixture(name), "HDF5", "--traits HDF5", ".npz")
      }
    }
  }
#endif

#if HDF5
  import ActivationFiles
  import Activations
  import Foundation
  import TestSupport
  import Testing

  /// Damaged HDF5 files end with an error or can be read to the last number.
  @Suite struct HDF5DamageTests {
    static let files = [
      "types", "layouts", "layouts-latest", "groups", "tracked", "userblock", "lzf", "matlab",
    ]

    static func bytes(of file: String) throws -> [UInt8] {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      return Array(
        try Data(contentsOf: folder.appendingPathComponent("HDF5Files/\(file).h5")))
    }

    @Test(arguments: files)
    func survivesFlippedBytes(file: String) throws {
      let whole = try Self.bytes(of: file)
      let folder = try TemporaryFolder()
      var generator = SeededGenerator(seed: UInt64(file.utf8.count))
      var outcomes = (read: 0, unread: 0, refused: 0)
      for round in 0..<40 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          let place = Int.random(in: bytes.indices, using: &generator)
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: bytes[place] = [0, 0xFF, 0x7F, 0x80].randomElement(using: &generator) ?? 0
          case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
          case 2 where round % 8 == 0: bytes.remove(at: place)
          default: bytes[place] = UInt8.random(in: 0...255, using: &generator)
          }
        }
        let path = try folder.write(bytes, to: "a")
        do {
          for layer in try ModelFiles(path: path).layers {
            try layer.check()
            if layer.rows.count != layer.shape.exampleCount {
              Issue.record("\(layer.name) has fewer rows than examples")
            }
          }
          outcomes.read += 1
        } catch let error as ActivationFileError {
          outcomes.refused += 1
          if !error.description.hasPrefix(path) { Issue.record("\(error) lacks the path") }
        } catch let error as ActivationReadError {
          outcomes.unread += 1
          if !error.description.hasPrefix(path) { Issue.record("\(error) lacks the path") }
        }
      }
      #expect(outcomes.read > 0 && outcomes.refused > 0)
    }
  }
#endif

#if HDF5
  import Activations
  import Foundation
  import TestSupport
  import Testing

  @testable import ActivationFiles

  /// What libhdf5 does in its own process is an error of the file at most.
  @Suite struct HDF5ProcessTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// `groups.h5` with `patch` where the structure begins that is called `signature`.
    private func damaged(
      _ signature: String, _ patch: (inout [UInt8], _ start: Int) -> Void
    ) throws -> String {
      var bytes = try HDF5DamageTests.bytes(of: "groups")
      let signature = Array(signature.utf8)
      let start = try #require(
        bytes.indices.dropLast(4).first { bytes[$0..<($0 + 4)].elementsEqual(signature) })
      patch(&bytes, start)
      return try folder.write(bytes, to: "a.h5")
    }

    /// A node of the root group's tree is its own child: libhdf5 1.10 recurses until its stack is full.
    private func fileThatCrashes() throws -> String {
      try damaged("TREE") { bytes, start in
        bytes[start + 5] = 1
        withUnsafeBytes(of: UInt64(start)) {
          bytes.replaceSubrange(start + 32..<start + 40, with: $0)
        }
      }
    }

    /// A free block of the root group's heap is followed by itself: libhdf5 1.10 counts for ever.
    private func fileThatLoops() throws -> String {
      try damaged("HEAP") { bytes, start in
        func number(at place: Int) -> Int {
          (0..<8).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        let block = number(at: start + 24) + number(at: start + 16)
        for place in 0..<8 { bytes[block + place] = bytes[start + 16 + place] }
      }
    }

    /// How asking about the file at `path` fails.
    private func failure(
      _ path: String, by program: String = "/proc/self/exe",
      _ change: (inout HDF5Process.Limits) -> Void
    ) throws -> ActivationFileError {
      let file = try MappedFile(path: path)
      var limits = HDF5Process.Limits(fileSize: file.bytes.count)
      change(&limits)
      return try #require(throws: ActivationFileError.self) {
        _ = try HDF5Process.answer(
          about: file, by: program, within: limits, place: Place(path: path))
      }
    }

    @Test func aFileThatCrashesLibhdf5IsAnError() throws {
      expectFailure(at: try fileThatCrashes(), "damaged", "crashed on it (signal 11")
    }

    @Test func aFileThatKeepsLibhdf5BusyForEverIsAnError() throws {
      let path = try fileThatLoops()
      let processor = try failure(path) { $0.processorSeconds = 1 }
      #expect(processor.kind == .data)
      #expect(processor.description.hasSuffix("did not finish within 1 s of processor time"))
      let clock = try failure(path) { $0.seconds = 1 }
      #expect(clock.kind == .data)
      #expect(clock.description == "\(path): libhdf5 did not finish within 1 s")
    }

    @Test func libhdf5HasAsMuchMemoryAsItIsGiven() throws {
      let path = try folder.write(HDF5DamageTests.bytes(of: "layouts"), to: "a.h5")
      let file = try MappedFile(path: path)
      var limits = HDF5Process.Limits(fileSize: file.bytes.count)
      limits.memory = 0
      let place = Place(path: path)
      do throws(ActivationFileError) {
        let answer = try HDF5Process.answer(
          about: file, by: "/proc/self/exe", within: limits, place: place)
        _ = try HDF5Listing(answer, place: place)
        Issue.record("listed a file without memory")
      } catch {
        #expect(error.kind == .data)
      }
      let error = try failure(path) { $0.answer = 100 }
      #expect(error.description.hasSuffix("lists more than 100 bytes of arrays and chunks"))
    }

    @Test func aProgramThatCannotReadHDF5IsNamed() throws {
      let path = try folder.write(HDF5DamageTests.bytes(of: "groups"), to: "a.h5")
      let deaf = try failure(path, by: "/bin/true") { _ in }
      #expect(deaf.kind == .io)
      #expect(deaf.description.contains("'/bin/true', which reads HDF5, does not answer"))
      let missing = try failure(path, by: "/nowhere/cka") { _ in }
      #expect(missing.kind == .io)
      #expect(missing.description.contains("'/nowhere/cka', which reads HDF5, cannot be started"))
    }

    /// What the system ended for want of memory, for example, was told as a crash on a damaged file.
    @Test func aProcessThatIsKilledIsNoDamagedFile() throws {
      let path = try folder.write(HDF5DamageTests.bytes(of: "groups"), to: "a.h5")
      let program = try folder.write(
        #"""
        #!/bin/sh
        printf '\012\000\000\000\000\000\000\000cka-hdf5/1' >&3
        kill -9 $$

        """#, to: "killed.sh")
      #expect(chmod(program, 0o700) == 0)
      let error = try failure(path, by: program) { _ in }
      #expect(error.kind == .io)
      #expect(error.description.contains("ended from outside (signal 9"), "\(error)")
    }

    /// libhdf5 may have written anything before it crashed.
    @Test func damagedAnswersAreErrorsOrCanBeRead() throws {
      for name in ["layouts", "types", "lzf", "tracked"] {
        let path = try folder.write(HDF5DamageTests.bytes(of: name), to: "a.h5")
        let (file, place) = (try MappedFile(path: path), Place(path: path))
        let whole = try HDF5Process.answer(
          about: file, by: "/proc/self/exe", within: .init(fileSize: file.bytes.count),
          place: place)
        var generator = SeededGenerator(seed: UInt64(whole.count))
        var outcomes = (read: 0, refused: 0)
        for _ in 0..<1500 {
          var answer = whole
          for _ in 0..<Int.random(in: 1...3, using: &generator) {
            // Most fields are numbers of eight bytes.
            let start = Int.random(in: 0..<answer.count - 8, using: &generator)
            let value =
              [0, -1, .max, .min, 1 << 31, 1 << 32, 1, 3, 255]
              .randomElement(using: &generator) as Int64? ?? 0
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: answer[start] = UInt8.random(in: 0...255, using: &generator)
            case 1: answer.removeLast(min(answer.count - 9, start / 16))
            default:
              withUnsafeBytes(of: value) { answer.replaceSubrange(start..<start + 8, with: $0) }
            }
          }
          do {
            for array in try HDF5Reader.arrays(in: file, listedAs: answer, place: place) {
              guard let layer = array.layer else { continue }
              try layer.check()
              if layer.rows.count != layer.shape.exampleCount { Issue.record("rows are missing") }
            }
            outcomes.read += 1
          } catch {
            outcomes.refused += 1
          }
        }
        #expect(outcomes.read > 0 && outcomes.refused > 0, "\(name)")
      }
    }
  }
#endif

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import OpenCLDevice

/// A cache folder that goes with the test.
private final class TestFolder {
  let cache = CacheFolder(path: NSTemporaryDirectory() + "cka-cache-\(UUID().uuidString)/cka")

  deinit {
    try? FileManager.default.removeItem(
      atPath: URL(fileURLWithPath: cache.path).deletingLastPathComponent().path)
  }

  /// The only file of a folder inside.
  func file(in folder: String) throws -> String {
    let path = "\(cache.path)/\(folder)"
    let files = try FileManager.default.contentsOfDirectory(atPath: path)
    try #require(files.count == 1, "\(files)")
    return "\(path)/\(files[0])"
  }
}

/// Compiled programs on the disk. A small program of its own: what counts is who compiled it.
struct ProgramCacheTests {
  private func variant(_ factor: Int = 3) -> KernelVariant {
    let text = """
      __kernel void scale(__global float *numbers) {
        numbers[get_global_id(0)] *= FACTOR;
      }
      """
    return KernelVariant(
      .init(name: "scale.cl", files: [("scale.cl", text)]), defines: ["FACTOR": "\(factor)"])
  }

  /// Opens the device anew, runs the program, and tells how many were compiled for it.
  private func compilations(_ cache: CacheFolder?, factor: Int = 3) throws -> Int {
    let description = try Fixture.description()
    let runtime = try Runtime(
      description, limits: OpenCLLimits(description), tuning: Fixture.tuning(float64: true),
      cache: cache)
    let numbers = try Guarded<Float>(runtime, [1, 2, 4])
    let kernel = try runtime.kernel("scale", of: variant(factor))
    try runtime.launch(kernel, global: [3], local: [1], [.buffer(numbers.buffer)])
    #expect(try numbers.read() == [1, 2, 4].map { $0 * Float(factor) })
    return runtime.compiledPrograms
  }

  @Test func theSecondTimeNothingIsCompiled() throws {
    let folder = TestFolder()
    #expect(try compilations(folder.cache) == 1)
    #expect(try compilations(folder.cache) == 0)
    // Other options are another program.
    #expect(try compilations(folder.cache, factor: 5) == 1)
    #expect(try compilations(folder.cache, factor: 5) == 0)
    #expect(try compilations(folder.cache) == 0)
    #expect(try compilations(nil) == 1)
  }

  @Test func damagedEntriesAreCompiledAndReplaced() throws {
    let folder = TestFolder()
    #expect(try compilations(folder.cache) == 1)
    let file = try folder.file(in: ProgramCache.folderName)
    let url = URL(fileURLWithPath: file)
    let whole = try Data(contentsOf: url)
    let cache = try #require(ProgramCache(folder.cache, for: Fixture.description()))
    let keyEnd = 40 + cache.key(variant()).utf8.count
    #expect(whole.count > keyEnd)
    // A byte of each region: magic, version, both lengths, checksum, key, binary.
    let places = [0, 7, 8, 16, 23, 24, 31, 32, 39, 40, keyEnd - 1, keyEnd, whole.count - 1]
    for place in places {
      var damaged = whole
      damaged[place] ^= 0x20
      try damaged.write(to: url)
      #expect(cache.binary(of: variant()) == nil, "byte \(place)")
    }
    for length in [0, 1, 39, 40, keyEnd - 1, keyEnd, whole.count - 1] {
      try whole.prefix(length).write(to: url)
      #expect(cache.binary(of: variant()) == nil, "\(length) bytes")
    }
    try (whole + Data([0])).write(to: url)
    #expect(cache.binary(of: variant()) == nil)
    // From the damage to a new entry, and a hit.
    #expect(try compilations(folder.cache) == 1)
    #expect(cache.binary(of: variant()) != nil)
    #expect(try compilations(folder.cache) == 0)
  }

  /// A file whose checksum is right and whose binary the driver refuses.
  @Test func refusedBinariesAreCompiledAgain() throws {
    let folder = TestFolder()
    let cache = try #require(ProgramCache(folder.cache, for: Fixture.description()))
    cache.store(Array("no program".utf8), of: variant())
    #expect(cache.binary(of: variant()) == Array("no program".utf8))
    #expect(try compilations(folder.cache) == 1)
    #expect(try compilations(folder.cache) == 0)
  }

  /// Several processes at once do what these threads do: each writes aside and renames.
  @Test func writersAtOnceDoNoHarm() throws {
    let folder = TestFolder()
    let cache = try #require(ProgramCache(folder.cache, for: Fixture.description()))
    let binary = [UInt8](repeating: 7, count: 1 << 20)
    cache.store(binary, of: variant())
    let misses = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 100) { index in
      if index % 2 == 0 {
        cache.store(binary, of: variant())
      } else if cache.binary(of: variant()) == nil {
        misses.withLock { $0 += 1 }
      }
    }
    // An entry that is being written is not seen in part: the one before it is there.
    #expect(misses.withLock { $0 } == 0)
    #expect(cache.binary(of: variant()) == binary)
    // Nothing is left lying aside.
    _ = try folder.file(in: ProgramCache.folderName)
  }

  /// Another program under this one's name: what two keys of one hash would be.
  @Test func foreignEntriesDoNotCount() throws {
    let folder = TestFolder()
    let cache = try #require(ProgramCache(folder.cache, for: Fixture.description()))
    #expect(try compilations(folder.cache, factor: 5) == 1)
    let path = "\(folder.cache.path)/\(ProgramCache.folderName)/"
    try FileManager.default.moveItem(
      atPath: path + ProgramCache.fileName(cache.key(variant(5))),
      toPath: path + ProgramCache.fileName(cache.key(variant(3))))
    #expect(try compilations(folder.cache) == 1)
  }

  @Test func aFolderThatCannotBeWrittenIsNoCache() throws {
    // A file where the folder should be: nobody, root included, can write into it.
    let file = NSTemporaryDirectory() + "cka-cache-\(UUID().uuidString)"
    #expect(FileManager.default.createFile(atPath: file, contents: Data()))
    defer { try? FileManager.default.removeItem(atPath: file) }
    #expect(try compilations(CacheFolder(path: file)) == 1)
    #expect(try compilations(CacheFolder(path: file)) == 1)
  }

  @Test func theKeyHasAllThatMatters() throws {
    let description = try Fixture.description()
    let folder = CacheFolder(path: "/nowhere")
    let key = try #require(ProgramCache(folder, for: description)).key(variant())
    for part in [
      description.platform, description.name, description.driverVersion, description.version,
      "-DFACTOR=3", "numbers[get_global_id(0)] *= FACTOR;",
    ] {
      #expect(key.contains(part))
    }
  }
}

struct TuningStoreTests {
  private let gram = TileShape(tile: 32, rows: 8, columns: 4, depth: 8)
  private let pair = TileShape(tile: 64, rows: 4, columns: 4, depth: 16)

  private func isLoaded(_ folder: TestFolder) throws -> Bool {
    let tuning = Tuning(try Fixture.description(), measuredIn: folder.cache)
    #expect(tuning.isMeasured == (tuning.gram == gram && tuning.pair == pair))
    return tuning.isMeasured
  }

  @Test func keptShapesAreLoaded() throws {
    let folder = TestFolder()
    let description = try Fixture.description()
    #expect(try !isLoaded(folder))
    #expect(TuningStore(folder: folder.cache).store(gram: gram, pair: pair, for: description))
    #expect(try isLoaded(folder))
  }

  @Test func staleAndDamagedFilesAreIgnored() throws {
    let folder = TestFolder()
    let description = try Fixture.description()
    #expect(TuningStore(folder: folder.cache).store(gram: gram, pair: pair, for: description))
    let file = try folder.file(in: TuningStore.folderName)
    let whole = try String(contentsOfFile: file, encoding: .utf8)
    let changes = [
      ("cka-tuning/1", "cka-tuning/2"), (description.driverVersion, "another"),
      (description.name, "another"), (description.platform, "another"),
      ("\"rows\" : 8", "\"rows\" : 7"), ("\"tile\" : 32", "\"tile\" : 0"),
      ("\"depth\" : 8", "\"depth\" : 99999999999999999999"), ("{", ""), ("}", ""),
    ]
    for (old, new) in changes {
      let damaged = whole.replacingOccurrences(of: old, with: new)
      #expect(damaged != whole, "\(old)")
      try damaged.write(toFile: file, atomically: true, encoding: .utf8)
      #expect(try !isLoaded(folder), "\(old)")
    }
    try Data([0xFF, 0x00]).write(to: URL(fileURLWithPath: file))
    #expect(try !isLoaded(folder))
    try whole.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try isLoaded(folder))
  }
}

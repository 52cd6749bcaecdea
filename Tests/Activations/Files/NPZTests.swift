import Activations
import Foundation
import TestSupport
import Testing

@testable import ActivationFiles

@Suite struct NPZTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let small = NPYFile.bytes([1, 2, 3, 4], shape: [2, 2])

  private func write(_ entries: [ZipFile.Entry]) throws -> String {
    try folder.write(ZipFile.bytes(entries), to: "a.npz")
  }

  @Test func mapsStoredMembersInTheArchivesOrder() throws {
    let path = try folder.write(
      ZipFile.bytes([
        ("z.npy", Self.small),
        ("a/b, \"c\"\n<i>é.npy", NPYFile.bytes([5, 6], shape: [2], type: .float16)),
        ("a/", []),
      ]), to: "a.npz")
    let model = try ModelFiles(path: path)
    #expect(model.layers.map(\.name) == ["z", "a/b, \"c\"\n<i>é"])
    #expect(model.layers[0].rows == [[1, 2], [3, 4]])
    #expect(model.layers[1].rows == [[5], [6]])
    let storages = Set(model.layers.flatMap { $0.blocks.map { ObjectIdentifier($0.storage) } })
    #expect(storages.count == 1, "both layers lie in the one mapping of the archive")
  }

  @Test func mapsMembersOfTheSameContentWhereEachLies() throws {
    let path = try folder.write(
      ZipFile.bytes([("a.npy", Self.small), ("b.npy", Self.small)]), to: "a.npz")
    let starts = try ModelFiles(path: path).layers.map { try $0.row(0).start }
    let distance = 30 + "a.npy".utf8.count + Self.small.count
    #expect(starts[1] - starts[0] == distance)
  }

  @Test func unpacksDeflatedMembers() throws {
    // More than one piece, and numbers that compress well.
    let values = (0..<600_000).map { Double($0 % 1000) }
    let path = "\(folder.path)/a.npz"
    try ZipFile.writeDeflated(
      [
        ("big.npy", NPYFile.bytes(values, shape: [2, 300_000])),
        ("small.npy", Self.small),
      ], to: path)
    let model = try ModelFiles(path: path)
    #expect(model.layers.map(\.name) == ["big", "small"])
    let rows = model.layers[0].rows
    #expect(rows[0].elementsEqual(values[..<300_000]))
    #expect(rows[1].elementsEqual(values[300_000...]))
    #expect(model.layers[1].rows == [[1, 2], [3, 4]])
  }

  @Test func unpacksStoredBlocks() throws {
    var entry = ZipFile.Entry("a.npy", Self.small)
    entry.method = 8
    #expect(try ModelFiles(path: try write([entry])).layers[0].rows == [[1, 2], [3, 4]])
  }

  @Test(arguments: [0, 8] as [UInt16])
  func refusesEveryPrefix(method: UInt16) throws {
    var entry = ZipFile.Entry("a.npy", Self.small)
    entry.method = method
    let bytes = ZipFile.bytes([entry])
    for count in bytes.indices {
      expectFailure(at: try folder.write(Array(bytes[..<count]), to: "a.npz"), "a.npz")
    }
  }

  @Test func refusesDeflatedMembersWithAWrongCRC() throws {
    var entry = ZipFile.Entry("a.npy", Self.small)
    entry.method = 8
    entry.claimedCRC = 1
    expectFailure(at: try write([entry]), "a.npz", "member 'a.npy'", "CRC")
  }

  @Test func refusesLyingSizes() throws {
    var entry = ZipFile.Entry("a.npy", Self.small)
    entry.claimedSize = UInt32(Self.small.count + 4)
    expectFailure(at: try write([entry]), "member 'a.npy'")
    entry.claimedPackedSize = entry.claimedSize
    expectFailure(at: try write([entry]), "member 'a.npy'")
    entry.claimedPackedSize = 0xFFFF_0000
    expectFailure(at: try write([entry]), "claim more bytes than the file's")
    entry = ZipFile.Entry("a.npy", Self.small)
    entry.method = 8
    for size in [0, 3, Self.small.count - 1, Self.small.count + 1, 100_000] {
      entry.claimedSize = UInt32(size)
      expectFailure(at: try write([entry]), "member 'a.npy'")
    }
    entry.claimedSize = 0xFFFF_FFFE
    expectFailure(at: try write([entry]), "claims 4294967294 bytes from")
  }

  /// Lets the directory's entry of the last member point to the byte `offset`.
  private func redirected(_ entries: [ZipFile.Entry], to offset: Int) throws -> String {
    var bytes = ZipFile.bytes(entries)
    let signature: [UInt8] = [0x50, 0x4B, 1, 2]
    let last = try #require(
      bytes.indices.dropLast(46).last { bytes[$0..<($0 + 4)].elementsEqual(signature) })
    for (index, byte) in withUnsafeBytes(of: UInt32(offset).littleEndian, Array.init).enumerated() {
      bytes[last + 42 + index] = byte
    }
    return try folder.write(bytes, to: "a.npz")
  }

  /// The second member was read as if it were the first.
  @Test func refusesADirectoryThatPointsTwiceToOnePlace() throws {
    let entries = [
      ZipFile.Entry("a.npy", Self.small),
      ZipFile.Entry("b.npy", NPYFile.bytes([5, 6, 7, 8], shape: [2, 2])),
    ]
    expectFailure(at: try redirected(entries, to: 0), "a.npz", "damaged")
  }

  /// A member that lies in another one's numbers.
  @Test func refusesMembersThatOverlap() throws {
    let inner = ZipFile.Entry("b.npy", Self.small)
    let local = ZipFile.bytes([inner]).prefix(30 + inner.name.count + Self.small.count)
    let header = NPYFile.header(descr: "|u1", shape: [local.count, 1])
    let outer = ZipFile.Entry("a.npy", NPYFile.bytes(header: header, data: Array(local)))
    let place = 30 + outer.name.count + outer.data.count - local.count
    expectFailure(at: try redirected([outer, inner], to: place), "'a.npy' and 'b.npy' overlap")
  }

  /// The archive and the array's header agree on 100 MB that a small deflated stream cannot hold.
  @Test func refusesClaimsBeyondDeflatesRatioBeforeAllocating() throws {
    let header = NPYFile.bytes(header: NPYFile.header(descr: "|i1", shape: [1000, 100_000]))
    var entry = ZipFile.Entry("a.npy", header)
    entry.method = 8
    entry.claimedSize = UInt32(header.count + 100_000_000)
    expectFailure(at: try write([entry]), "claims 100000", "packed ones")
  }

  @Test func refusesEncryptedAndUnknownMembers() throws {
    var entry = ZipFile.Entry("a.npy", Self.small)
    entry.flags = 1
    expectFailure(at: try write([entry]), "member 'a.npy': encrypted")
    entry.flags = 0
    entry.method = 12
    expectFailure(at: try write([entry]), "member 'a.npy': packed by method 12")
    expectFailure(at: try write([ZipFile.Entry("a.txt", [1])]), "'a.txt'", "ends with .npy")
    expectFailure(at: try write([ZipFile.Entry(".npy", Self.small)]), "without a name")
    expectFailure(at: try write([ZipFile.Entry("a.npy", [])]), "member 'a.npy'")
    expectFailure(at: try write([]), "holds no arrays")
  }

  @Test func refusesDuplicateAndInvalidNames() throws {
    let entry = ZipFile.Entry("a.npy", Self.small)
    expectFailure(at: try write([entry, entry]), "'a.npy' twice")
    var invalid = entry
    invalid.name = [0xC3, 0x28] + Array(".npy".utf8)
    expectFailure(at: try write([invalid]), #"'\xC3(.npy'"#, "not UTF-8")
  }

  /// One name that is not UTF-8 once refused the whole file.
  @Test func membersWhoseNamesAreNotUTF8AreSkipped() throws {
    let entry = ZipFile.Entry("a.npy", Self.small)
    var (one, other) = (entry, entry)
    one.name = [0xE9] + Array(".npy".utf8)
    other.name = [0xE8] + Array(".npy".utf8)
    let model = try ModelFiles(path: try write([one, entry, other]))
    #expect(model.layers.map(\.name) == ["a"])
    #expect(
      model.skipped.map(\.name) == [#"\xE9.npy"#, #"\xE8.npy"#].map { String($0.dropLast(4)) })
    #expect(model.skipped.allSatisfy { $0.reason.contains("not UTF-8") })
  }

  /// Swift takes both texts for equal: once "holds the member twice".
  @Test func namesThatLookTheSameAreTwoLayers() throws {
    let names = ["\u{E9}", "e\u{301}"]
    let path = try write(names.map { ZipFile.Entry("\($0).npy", Self.small) })
    let model = try ModelFiles(path: path)
    #expect(model.layers.map { Array($0.name.utf8) } == names.map { Array($0.utf8) })
    let contents = try ModelContents(path: path)
    for name in names {
      let chosen = try contents.model(choosing: [{ $0.utf8.elementsEqual(name.utf8) }])
      #expect(chosen.layers.map { Array($0.name.utf8) } == [Array(name.utf8)])
    }
  }

  @Test func namesBothLayersOfDifferentExampleCounts() throws {
    let other = NPYFile.bytes([1, 2, 3], shape: [3, 1])
    let path = try write([ZipFile.Entry("a.npy", Self.small), ZipFile.Entry("b.npy", other)])
    expectFailure(at: path, "'a' has 2 examples", "'b' has 3")
  }

  @Test func namesTheMemberOfABadHeader() throws {
    let bad = NPYFile.bytes(header: NPYFile.header(descr: "|O", shape: [1, 1]), data: [1])
    expectFailure(at: try write([ZipFile.Entry("a.npy", bad)]), "a.npz: member 'a.npy'", "'|O'")
  }

  @Test(arguments: ["archive/data.pkl", "data.pkl"])
  func refusesTorchArchives(name: String) throws {
    let bytes = ZipFile.bytes([(name, [0x80, 0x02, 0x2E])])
    let path = try folder.write(bytes, to: "x.pt")
    expectFailure(at: path, "PyTorch", "torch.load('\(path)'", "numpy.savez")
    let odd = try folder.write(bytes, to: "x'$(y).pt")
    expectFailure(at: odd, "torch.load('FILE.pt'")
  }

  @Test func anUnpackedMemberLeavesNoFileBehind() throws {
    let place = Place(path: "a.npz")
    let file = try TemporaryFile(size: 4, for: place)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 1)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: [1, 2, 3, 4])
    try file.write(UnsafeRawBufferPointer(bytes), at: 0)
    var status = stat()
    let result = fstat(file.file.number, &status)
    #expect(result == 0 && status.st_nlink == 0)
    let mapped = try file.mapped()
    #expect(mapped.bytes[0] == 1 && mapped.bytes.count == 4)
  }

  @Test func aFullDiskIsAnInputOutputError() {
    do throws(ActivationFileError) {
      _ = try TemporaryFile(size: 1 << 60, for: Place(path: "a.npz", part: "member 'x'"))
      Issue.record("the disk held 2^60 bytes")
    } catch {
      #expect(error.kind == .io)
      #expect(error.description.hasPrefix("a.npz: member 'x': cannot be unpacked"))
      #expect(error.description.contains("needs \(1 << 60) bytes"))
    }
  }
}

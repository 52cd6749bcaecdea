import Activations

/// Reads `.npz` files: zip archives of `.npy` members, one a layer.
///
/// Stored members (`numpy.savez`) are memory-mapped, not copied, and their CRC is not read. Deflated
/// members (`numpy.savez_compressed`) are unpacked once into a temporary file.
enum NPZReader {
  /// The arrays of `file` in the archive's order.
  static func layers(
    in file: MappedFile, place: Place
  ) throws(ActivationFileError) -> [FoundArray] {
    let archive = try ZipArchive(file, place: place)
    let members = try archive.members()
    guard !members.isEmpty else { throw place.data("holds no arrays") }
    if members.contains(where: { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }) {
      throw TorchFile.refusal(place)
    }
    var arrays: [FoundArray] = []
    var places: [(name: String, range: Range<Int>)] = []
    for member in members {
      let part = archive.part(member.name)
      let isNamed = member.name.hasSuffix(".npy")
      let name = isNamed ? String(member.name.dropLast(4)) : member.name
      arrays.append(
        try FoundArray(name) { () throws(ActivationFileError) in
          if let reason = member.whyNoLayer { throw part.noLayer(reason) }
          guard isNamed else { throw part.noLayer("expected a name that ends with .npy") }
          if let refusal = member.refusal { throw part.data(refusal) }
          let range = try archive.range(of: member)
          if let range { places.append((member.name, range)) }
          if let range, !member.isDeflated, member.size == range.count {
            return try NPYReader.layer(name, at: range, of: file, place: part)
          }
          return try NPYReader.layer(
            name, in: try unpack(member, of: archive, place: part), place: part)
        })
    }
    try archive.checkConsistency()
    try checkOverlap(places, place: place)
    return arrays
  }

  /// Checks that no two members share bytes: one of them would be read as the other.
  private static func checkOverlap(
    _ members: [(name: String, range: Range<Int>)], place: Place
  ) throws(ActivationFileError) {
    let sorted = members.sorted { $0.range.lowerBound < $1.range.lowerBound }
    for (one, next) in zip(sorted, sorted.dropFirst())
    where next.range.lowerBound < one.range.upperBound {
      throw place.data("the members \(quoted(one.name)) and \(quoted(next.name)) overlap")
    }
  }

  /// One byte of a deflated stream stands for at most this many:
  /// https://zlib.net/zlib_tech.html, "Maximum Compression Factor".
  private static let largestRatio = 1032

  /// Unpacks `member` in pieces, after its claims about its size have been found plausible.
  private static func unpack(
    _ member: ZipArchive.Member, of archive: ZipArchive, place: Place
  ) throws(ActivationFileError) -> MappedFile {
    let largest = member.isDeflated ? member.packedSize &* largestRatio : member.packedSize
    guard member.size > 0, member.size <= largest else {
      throw place.data("claims \(member.size) bytes from \(member.packedSize) packed ones")
    }
    let reader = try archive.reader(of: member)
    let piece = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(member.size, NPYHeader.longest), alignment: 64)
    defer { piece.deallocate() }
    var count = try reader.read(into: piece)
    // The header and the archive must agree before the disk gives room.
    let start = piece[..<min(count, NPYHeader.size(of: Array(piece.prefix(min(count, 12)))[...]))]
    _ = try NPYHeader(Array(start), totalSize: member.size, place: place)
    let target = try TemporaryFile(size: member.size, for: place)
    var done = 0
    while count > 0 {
      guard count <= member.size - done else {
        throw place.data("unpacks to more than the \(member.size) bytes it claims")
      }
      try target.write(UnsafeRawBufferPointer(rebasing: piece[..<count]), at: done)
      done += count
      count = try reader.read(into: piece)
    }
    guard done == member.size else {
      throw place.data("cut short: unpacks to \(done) bytes, claims \(member.size)")
    }
    return try target.mapped()
  }
}

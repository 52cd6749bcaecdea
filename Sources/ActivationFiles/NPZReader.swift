import Activations

/// Reads `.npz` files: zip archives of `.npy` members, one a layer.
///
/// Stored members (`numpy.savez`) are mapped where they lie, and their CRC is not read. Deflated
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
    for member in members {
      let part = archive.part(member.name)
      let isNamed = member.name.hasSuffix(".npy")
      let name = isNamed ? String(member.name.dropLast(4)) : member.name
      arrays.append(
        try FoundArray(name) { () throws(ActivationFileError) in
          guard isNamed else { throw part.noLayer("expected a name that ends with .npy") }
          if let refusal = member.refusal { throw part.data(refusal) }
          if let range = try archive.range(of: member) {
            return try NPYReader.layer(name, at: range, of: file, place: part)
          }
          return try NPYReader.layer(
            name, in: try unpack(member, of: archive, place: part), place: part)
        })
    }
    return arrays
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
    _ = try NPYHeader(
      UnsafeRawBufferPointer(rebasing: piece[..<count]), totalSize: member.size, place: place)
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

import Activations
import CLibzip

/// A zip archive over a mapped file. With `ZipInput`, the only caller of libzip.
final class ZipArchive {
  /// One file in an archive.
  struct Member {
    let index: UInt64
    let name: String
    /// Bytes after unpacking, as the archive claims.
    let size: Int
    let packedSize: Int
    let isDeflated: Bool
    /// Why the member cannot be read, where it is packed otherwise than numpy does.
    let refusal: String?
    /// Why it cannot be a layer, whatever it holds.
    let whyNoLayer: String?
  }

  private let input: ZipInput
  private let archive: OpaquePointer
  private let place: Place

  init(_ file: MappedFile, place: Place) throws(ActivationFileError) {
    input = ZipInput(file)
    archive = try ZipArchive.open(input, flags: ZIP_RDONLY, place: place) { reason in
      "cut short or damaged: \(reason), expected a zip archive"
    }
    self.place = place
  }

  /// Checks that what each member says of itself is what the directory says of it. Two entries that point to
  /// one member would otherwise read it twice.
  func checkConsistency() throws(ActivationFileError) {
    let flags = ZIP_RDONLY | ZIP_CHECKCONS
    let copy = try ZipArchive.open(ZipInput(input.file), flags: flags, place: place) { reason in
      "damaged: its directory contradicts its members (\(reason))"
    }
    zip_discard(copy)
  }

  private static func open(
    _ input: ZipInput, flags: Int32, place: Place, words: (String) -> String
  ) throws(ActivationFileError) -> OpaquePointer {
    var error = zip_error_t()
    zip_error_init(&error)
    defer { zip_error_fini(&error) }
    guard let source = input.makeSource() else {
      throw place.error(.io, "cannot be read: libzip has no memory")
    }
    guard let archive = zip_open_from_source(source, flags, &error) else {
      zip_source_free(source)
      throw input.failure ?? place.data(words(String(cString: zip_error_strerror(&error))))
    }
    return archive
  }

  deinit { zip_discard(archive) }

  /// The members in the archive's order, folders left out.
  func members() throws(ActivationFileError) -> [Member] {
    var members: [Member] = []
    var names: Set<[UInt8]> = []
    var packedSize = 0
    for index in 0..<UInt64(max(0, zip_get_num_entries(archive, 0))) {
      let member = try member(index)
      guard names.insert(member.name.nameBytes).inserted else {
        throw place.data("holds the member \(quoted(member.name)) twice")
      }
      if member.name.hasSuffix("/"), member.size == 0 { continue }
      let (sum, overflow) = packedSize.addingReportingOverflow(member.packedSize)
      guard !overflow, sum <= input.file.bytes.count else {
        throw place.data("its members claim more bytes than the file's \(input.file.bytes.count)")
      }
      packedSize = sum
      members.append(member)
    }
    return members
  }

  private func member(_ index: UInt64) throws(ActivationFileError) -> Member {
    var status = zip_stat_t()
    zip_stat_init(&status)
    guard zip_stat_index(archive, index, 0, &status) == 0,
      let rawName = zip_get_name(archive, index, ZIP_FL_ENC_RAW)
    else {
      throw input.failure ?? place.data("the entry of member \(index) is damaged: \(message)")
    }
    let nameBytes = UnsafeRawBufferPointer(start: rawName, count: String.length(of: rawName))
    let (name, isUTF8) = shownName(nameBytes)
    guard let size = Int(exactly: status.size), let packedSize = Int(exactly: status.comp_size)
    else { throw part(name).data("claims more bytes than any file can hold") }
    let method = Int32(status.comp_method)
    var refusal: String?
    if Int32(status.encryption_method) != ZIP_EM_NONE {
      refusal = "encrypted, expected a plain member"
    } else if ![ZIP_CM_STORE, ZIP_CM_DEFLATE].contains(method) {
      refusal = "packed by method \(method), expected stored or deflated, as numpy does"
    }
    return Member(
      index: index, name: name, size: size, packedSize: packedSize,
      isDeflated: method == ZIP_CM_DEFLATE, refusal: refusal, whyNoLayer: isUTF8 ? nil : notUTF8)
  }

  /// Where the packed bytes of a member lie in the file; nil where libzip's way of reading does not
  /// show it.
  func range(of member: Member) throws(ActivationFileError) -> Range<Int>? {
    let bytes = input.file.bytes
    guard member.packedSize > 0 else { return nil }
    let reader = try reader(of: member, flags: ZIP_FL_COMPRESSED)
    let sample = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(member.packedSize, 128), alignment: 1)
    defer { sample.deallocate() }
    input.firstRead = nil
    let count = try reader.read(into: sample)
    guard let start = input.firstRead, member.packedSize <= bytes.count - start,
      count == sample.count, try input.file.copy(start..<(start + count)).elementsEqual(sample)
    else { return nil }
    return start..<(start + member.packedSize)
  }

  /// Opens `member` for reading from its start.
  func reader(of member: Member, flags: UInt32 = 0) throws(ActivationFileError) -> Reader {
    guard let file = zip_fopen_index(archive, member.index, flags) else {
      throw input.failure ?? part(member.name).data("cannot be read: \(message)")
    }
    return Reader(file: file, input: input, place: part(member.name))
  }

  func part(_ name: String) -> Place { Place(path: place.path, part: "member \(quoted(name))") }

  private var message: String { String(cString: zip_strerror(archive)) }

  /// Reads one member, unpacked.
  struct Reader: ~Copyable {
    fileprivate let file: OpaquePointer
    fileprivate let input: ZipInput
    fileprivate let place: Place

    /// Fills `buffer` unless the member ends before; returns how many bytes came. libzip checks
    /// the CRC when it finds the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ActivationFileError) -> Int {
      var done = 0
      while done < buffer.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
        guard let start = rest.baseAddress else { break }
        let count = zip_fread(file, start, UInt64(rest.count))
        guard count >= 0 else {
          throw input.failure
            ?? place.data("cut short or damaged: \(String(cString: zip_file_strerror(file)))")
        }
        guard count > 0 else { break }
        done += Int(count)
      }
      return done
    }

    deinit { zip_fclose(file) }
  }
}

extension String {
  /// The bytes before the NUL.
  fileprivate static func length(of string: UnsafePointer<CChar>) -> Int {
    var length = 0
    while string[length] != 0 { length += 1 }
    return length
  }
}

#if HDF5
  import Activations
  import CHDF5Process

  /// What libhdf5 says a file holds, in the form of `hdf5_process.h`. Nothing of it is held against the
  /// file yet.
  struct HDF5Listing {
    /// A dataset: the type, shape and place of its numbers.
    struct Dataset {
      let facts: cka_hdf5_dataset
      /// What MATLAB calls its type; empty where MATLAB did not write it.
      let matlabClass: String
      /// The lengths of its axes.
      let axes: [UInt64]
      /// The numbers of a compact dataset.
      var numbers: [UInt8] = []
      var chunks = Chunks()
    }

    /// The chunks of a dataset.
    struct Chunks {
      /// The lengths of a chunk's axes.
      var axes: [UInt64] = []
      var filters: [(facts: cka_hdf5_filter, name: String)] = []
      /// Where they lie, in the order of the grid, up to the first that is not there.
      var places: [cka_hdf5_chunk] = []
      /// Why there are no more.
      var missing = ""
    }

    /// A member of a group.
    enum Content {
      case dataset(Dataset)
      /// No array of this file.
      case other(cka_hdf5_reason)
      /// Of a name that is not UTF-8.
      case unnameable
    }

    /// All members of all groups but the groups, by their paths.
    private(set) var members: [(name: String, content: Content)] = []

    /// Decodes an answer about the file at `place`.
    init(_ answer: [UInt8], place: Place) throws(ActivationFileError) {
      var input = Input(bytes: answer, place: place)
      /// Whether the members of a group come in the order of their creation.
      var isByCreation: [[UInt8]: Bool] = [:]
      while true {
        let kind = cka_hdf5_entry(UInt32(truncatingIfNeeded: try input.number()))
        guard kind != CKA_HDF5_END else { break }
        let (name, isUTF8) = shownName(try input.counted())
        switch kind {
        case CKA_HDF5_GROUP: isByCreation[name.nameBytes] = try input.number() != 0
        case CKA_HDF5_DATASET:
          let dataset = try input.dataset()
          members.append((name, isUTF8 ? .dataset(dataset) : .unnameable))
        case CKA_HDF5_OTHER:
          let reason = cka_hdf5_reason(UInt32(truncatingIfNeeded: try input.number()))
          members.append((name, isUTF8 ? .other(reason) : .unnameable))
        case CKA_HDF5_FAILED:
          let what = try input.text()
          let part = what.isEmpty ? nil : "\(what) \(quoted(name.isEmpty ? "/" : name))"
          throw Place(path: place.path, part: part).data(Self.words(for: try input.text()))
        default: throw input.malformed
        }
      }
      members = Self.sorted(members, isByCreation: isByCreation)
    }

    /// What a failure means that libhdf5 tells with `message`.
    ///
    /// Every part of a file has a version, and what a later HDF5 has written begins with one that this libhdf5
    /// does not know: "bad superblock version number", "bad version number for layout message".
    private static func words(for message: String) -> String {
      message.contains("version")
        ? "cannot be read by this program's libhdf5: needs a newer HDF5, or is damaged (\(message)); "
          + "h5py writes for this one with libver=('earliest', 'v110')"
        : "damaged or cut short, expected HDF5: \(message)"
    }

    /// The members as they come in their groups: in the order they are in where that is the one of their
    /// creation, else in the natural order of their names.
    private static func sorted(
      _ members: [(name: String, content: Content)], isByCreation: [[UInt8]: Bool]
    ) -> [(name: String, content: Content)] {
      let paths = members.map {
        $0.name.nameBytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      }
      let order = members.indices.sorted { a, b in
        var group: [UInt8] = []
        for (left, right) in zip(paths[a], paths[b]) {
          if left != right {
            return isByCreation[group] == true
              ? a < b : naturallyPrecedes(shownName(left).name, shownName(right).name)
          }
          if !group.isEmpty { group.append(UInt8(ascii: "/")) }
          group += left
        }
        return a < b
      }
      return order.map { members[$0] }
    }
  }

  /// Reads an answer from its start.
  private struct Input {
    let bytes: [UInt8]
    let place: Place
    private var offset = 0

    init(bytes: [UInt8], place: Place) {
      self.bytes = bytes
      self.place = place
    }

    var malformed: ActivationFileError {
      place.data("damaged: libhdf5 ended before it had listed the file")
    }

    mutating func number() throws(ActivationFileError) -> Int64 { try value(Int64.self) }

    mutating func value<Value: BitwiseCopyable>(
      _ type: Value.Type
    ) throws(ActivationFileError) -> Value {
      let size = MemoryLayout<Value>.size
      guard size <= bytes.count - offset else { throw malformed }
      defer { offset += size }
      return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    mutating func values<Value: BitwiseCopyable>(
      _ type: Value.Type, count: Int64
    ) throws(ActivationFileError) -> [Value] {
      guard count >= 0, count <= (bytes.count - offset) / MemoryLayout<Value>.stride else {
        throw malformed
      }
      var values: [Value] = []
      values.reserveCapacity(Int(count))
      for _ in 0..<count { values.append(try value(type)) }
      return values
    }

    mutating func counted() throws(ActivationFileError) -> [UInt8] {
      try values(UInt8.self, count: try number())
    }

    /// A text; what is not UTF-8 is replaced.
    mutating func text() throws(ActivationFileError) -> String {
      String(decoding: try counted(), as: UTF8.self)
    }

    mutating func dataset() throws(ActivationFileError) -> HDF5Listing.Dataset {
      let facts = try value(cka_hdf5_dataset.self)
      var dataset = HDF5Listing.Dataset(
        facts: facts, matlabClass: try text(), axes: try values(UInt64.self, count: facts.rank))
      switch cka_hdf5_layout(UInt32(truncatingIfNeeded: facts.layout)) {
      case CKA_HDF5_COMPACT: dataset.numbers = try counted()
      case CKA_HDF5_CHUNKED:
        dataset.chunks.axes = try values(UInt64.self, count: facts.rank)
        for _ in 0..<max(facts.filter_count, 0) {
          dataset.chunks.filters.append((try value(cka_hdf5_filter.self), try text()))
        }
        dataset.chunks.places = try values(cka_hdf5_chunk.self, count: try number())
        dataset.chunks.missing = try text()
      default: break
      }
      return dataset
    }
  }
#endif

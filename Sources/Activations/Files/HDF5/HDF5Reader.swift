#if HDF5
  import Activations
  import CHDF5Process

  /// Reads HDF5 files: each dataset is a layer, called by its path, `stage1/conv1`.
  ///
  /// libhdf5, in a process of its own, lists the datasets and where their numbers lie; they are mapped or
  /// unpacked here. Members of a group come in the order of their creation where the file keeps it, else
  /// in the natural order of their names. Soft links are followed where they stay in the file.
  enum HDF5Reader {
    /// The datasets of `file`.
    static func arrays(
      in file: MappedFile, place: Place
    ) throws(ActivationFileError) -> [FoundArray] {
      let answer = try HDF5Process.answer(
        about: file, by: try HDF5Program.path(toRead: place),
        within: HDF5Process.Limits(fileSize: file.bytes.count), place: place)
      return try arrays(in: file, listedAs: answer, place: place)
    }

    /// The datasets of `file`, of which libhdf5 says `answer`.
    static func arrays(
      in file: MappedFile, listedAs answer: [UInt8], place: Place
    ) throws(ActivationFileError) -> [FoundArray] {
      let listing = try HDF5Listing(answer, place: place)
      guard !listing.members.isEmpty else { throw place.data("holds no arrays") }
      var arrays: [FoundArray] = []
      for (name, content) in listing.members {
        func part(_ kind: String) -> Place {
          Place(path: place.path, part: "\(kind) \(quoted(name))")
        }
        arrays.append(
          try FoundArray(name) { () throws(ActivationFileError) in
            switch content {
            case .other(let reason): throw part("link").noLayer(words(for: reason))
            case .unnameable: throw part("link").noLayer(notUTF8)
            case .dataset(let dataset):
              return try HDF5Dataset(
                dataset, name: name, fileSize: file.bytes.count, place: part("dataset")
              ).layer(in: file)
            }
          })
      }
      return arrays
    }

    private static func words(for reason: cka_hdf5_reason) -> String {
      switch reason {
      case CKA_HDF5_SOFT_LINK_TO_NOTHING: "found a dangling soft link"
      case CKA_HDF5_EXTERNAL_LINK: "found a link to another file, expected arrays in this one"
      case CKA_HDF5_USER_LINK: "found a user-defined link, expected arrays"
      case CKA_HDF5_GROUP_AGAIN: "refers to a group that is already listed, expected a tree"
      case CKA_HDF5_TOO_DEEP: "found a group in more than \(CKA_HDF5_DEEPEST) groups"
      case CKA_HDF5_MATLAB_CONTENTS: "found the contents of MATLAB's cells, expected arrays"
      case CKA_HDF5_MATLAB_SPARSE: "found a sparse matrix of MATLAB's, expected a full one"
      default: "found an object of an unknown kind, expected arrays and groups"
      }
    }
  }
#endif

#if HDF5
  import Activations
  import CHDF5

  /// Reads HDF5 files: each dataset is a layer, called by its path, `stage1/conv1`.
  ///
  /// Members of a group come in the order of their creation where the file keeps it, else in the
  /// natural order of their names. Soft links are followed where they stay in the file.
  enum HDF5Reader {
    /// The datasets of `file`.
    static func layers(
      in file: MappedFile, place: Place
    ) throws(ActivationFileError) -> [LayerActivations] {
      let datasets = try HDF5Library.locked { () throws(ActivationFileError) -> [HDF5Dataset] in
        try self.datasets(in: file, place: place)
      }
      guard !datasets.isEmpty else { throw place.data("holds no arrays") }
      var layers: [LayerActivations] = []
      for dataset in datasets { layers.append(try dataset.layer(in: file)) }
      return layers
    }

    private static func datasets(
      in file: MappedFile, place: Place
    ) throws(ActivationFileError) -> [HDF5Dataset] {
      let handle = try HDF5Handle(cka_h5_open_file(file.openPath), opening: place)
      var walk = HDF5Walk(fileSize: file.bytes.count, path: place.path)
      try walk.visit(try HDF5Handle(cka_h5_open_object(handle.id, "/"), opening: place), name: "")
      return walk.datasets
    }
  }

  /// A walk through the groups of a file.
  private struct HDF5Walk {
    let fileSize: Int
    let path: String
    private(set) var datasets: [HDF5Dataset] = []
    /// Where the groups lie that were visited: links can lead in circles.
    private var groups: [haddr_t: String] = [:]

    /// The most groups in each other.
    private static let deepest = 64

    init(fileSize: Int, path: String) {
      self.fileSize = fileSize
      self.path = path
    }

    /// Collects the datasets of a group and of the groups in it.
    mutating func visit(
      _ group: borrowing HDF5Handle, name: String, depth: Int = 0
    ) throws(ActivationFileError) {
      let place = place("group", name)
      var address: haddr_t = 0
      try place.check(cka_h5_address(group.id, &address))
      if let other = groups.updateValue(name, forKey: address) {
        throw place.data("is the group \(quoted("/" + other)) again, expected a tree")
      }
      guard depth <= Self.deepest else {
        throw place.data("lies in more than \(Self.deepest) groups")
      }
      for link in try links(of: group, place: place) {
        try follow(link, in: group, name: name.isEmpty ? link.name : "\(name)/\(link.name)", depth)
      }
    }

    private mutating func follow(
      _ link: Link, in group: borrowing HDF5Handle, name: String, _ depth: Int
    ) throws(ActivationFileError) {
      let place = place("link", name)
      let object: HDF5Handle
      switch link.type {
      case H5L_TYPE_HARD:
        object = try HDF5Handle(cka_h5_open_object(group.id, link.name), opening: place)
      case H5L_TYPE_SOFT:
        let id = cka_h5_open_object(group.id, link.name)
        guard id >= 0 else { throw place.data("found a soft link that leads nowhere in this file") }
        object = try HDF5Handle(id, opening: place)
      case H5L_TYPE_EXTERNAL:
        throw place.data("found a link to another file, expected arrays in this one")
      default:
        throw place.data("found a user-defined link, expected arrays")
      }
      switch H5Iget_type(object.id) {
      case H5I_GROUP: try visit(object, name: name, depth: depth + 1)
      case H5I_DATASET:
        datasets.append(
          try HDF5Dataset(
            object, name: name, fileSize: fileSize, place: self.place("dataset", name)))
      // A named type, which datasets refer to.
      case H5I_DATATYPE: break
      default: throw place.data("found an object of an unknown kind, expected arrays and groups")
      }
    }

    private struct Link {
      let name: String
      let type: H5L_type_t
    }

    /// What the visitor, a C function, fills.
    private final class Links {
      var links: [Link] = []
      var hasBadName = false
    }

    private func links(
      of group: borrowing HDF5Handle, place: Place
    ) throws(ActivationFileError) -> [Link] {
      let properties = try HDF5Handle(H5Gget_create_plist(group.id), opening: place)
      var order: UInt32 = 0
      try place.check(H5Pget_link_creation_order(properties.id, &order))
      let isByCreation = order & UInt32(H5P_CRT_ORDER_TRACKED) != 0
      let found = Links()
      let status = cka_h5_visit_links(
        group.id, isByCreation,
        { name, type, context in
          let found = Unmanaged<Links>.fromOpaque(context).takeUnretainedValue()
          guard let name = String(validatingCString: name) else {
            found.hasBadName = true
            return
          }
          found.links.append(Link(name: name, type: type))
        }, Unmanaged.passUnretained(found).toOpaque())
      try place.check(status)
      guard !found.hasBadName else { throw place.data("holds a name that is not valid UTF-8") }
      return isByCreation
        ? found.links : found.links.sorted { naturallyPrecedes($0.name, $1.name) }
    }

    private func place(_ kind: String, _ name: String) -> Place {
      Place(path: path, part: "\(kind) \(quoted(name.isEmpty ? "/" : name))")
    }
  }
#endif

<?php
// Fills a panel's fresh database with what its installer and its pages would write:
// php seed.php SOURCE SOCKET DNS-DIRECTORY SETTINGS, where SETTINGS are JSON (see panel.ts).
[, $source, $socket, $dns, $settings] = $argv;
$settings = json_decode($settings, true);
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$db = new mysqli('localhost', 'root', '', 'dbispconfig', 0, $socket);
$db->query("set sql_mode='NO_ENGINE_SUBSTITUTION'");

function put($table, $row) {
  global $db;
  $owner = ['sys_userid' => 1, 'sys_groupid' => 1, 'sys_perm_user' => 'riud', 'sys_perm_group' => 'riud', 'sys_perm_other' => ''];
  if ($table !== 'sys_datalog') $row += $owner;
  $names = implode('`,`', array_keys($row));
  $marks = implode(',', array_fill(0, count($row), '?'));
  $db->prepare("insert into `$table` (`$names`) values ($marks)")->execute(array_values($row));
  return $db->insert_id;
}

$db->prepare('update sys_ini set config=? where sysini_id=1')->execute([file_get_contents("$source/install/tpl/system.ini.master")]);
$places = [
  'hostname' => 'server1.lab.test', 'dnsserver' => 'bind', 'bind_user' => 'root', 'bind_group' => 'root',
  'bind_zonefiles_dir' => $dns, 'bind_keyfiles_dir' => $dns,
  'named_conf_path' => "$dns/named.conf", 'named_conf_local_path' => "$dns/named.conf.local",
];
$ini = file_get_contents("$source/install/tpl/server.ini.master");
foreach ($places as $key => $value) $ini = preg_replace("#^$key=.*#m", "$key=$value", $ini);
put('server', ['server_id' => 1, 'server_name' => 'server1.lab.test', 'dns_server' => 1, 'config' => $ini, 'active' => 1]);

foreach ($settings['zones'] as $zone) {
  $id = put('dns_soa', [
    'server_id' => 1, 'origin' => "$zone.", 'ns' => 'ns1.lab.test.', 'mbox' => 'hostmaster.lab.test.', 'serial' => 1,
    'refresh' => 7200, 'retry' => 540, 'expire' => 604800, 'minimum' => 60, 'ttl' => 60, 'active' => 'Y',
    'xfer' => '', 'also_notify' => '', 'update_acl' => '', 'dnssec_info' => '',
  ]);
  foreach ([['NS', "$zone.", 'ns1.lab.test.'], ['A', "$zone.", '127.0.0.1'], ['TXT', "_acme-challenge.$zone.", $settings['foreign']]] as [$type, $name, $data]) {
    put('dns_rr', [
      'server_id' => 1, 'zone' => $id, 'name' => $name, 'type' => $type, 'data' => $data, 'aux' => 0, 'ttl' => 60,
      'active' => 'Y', 'stamp' => '2026-01-01 00:00:00', 'serial' => 1,
    ]);
  }
  // The servers learn of a change from this table.
  $row = $db->query("select * from dns_soa where id=$id")->fetch_assoc();
  put('sys_datalog', [
    'server_id' => 1, 'dbtable' => 'dns_soa', 'dbidx' => "id:$id", 'action' => 'i', 'tstamp' => time(), 'user' => 'admin',
    'data' => serialize(['new' => $row, 'old' => []]), 'status' => 'ok', 'session_id' => '',
  ]);
}

foreach ($settings['users'] as $user) {
  put('remote_user', [
    'remote_username' => $user['name'], 'remote_password' => crypt($user['password'], '$6$rounds=5000$' . bin2hex(random_bytes(8)) . '$'),
    'remote_access' => 'y', 'remote_ips' => '', 'remote_functions' => implode(';', $user['functions']),
  ]);
}

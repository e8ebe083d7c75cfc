import { Modal } from '@mantine/core';
import { Kbd } from '../parts/Controls';
import { t, type Word } from './words';

const keys: [string[], Word][] = [
  [['Ctrl', 'K'], 'keys.palette'],
  [['/'], 'keys.filter'],
  [['g', 'o'], 'keys.overview'],
  [['g', 'a'], 'keys.assets'],
  [['g', 'f'], 'keys.fleet'],
  [['g', 's'], 'keys.system'],
  [['u'], 'keys.zone'],
  [['Alt', '←'], 'keys.back'],
  [['Esc'], 'keys.close'],
  [['?'], 'keys.help'],
];

export function KeysHelp({ onClose }: { onClose: () => void }) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('keys.title')}
      size={380}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <dl className="kh">
        {keys.map(([combo, word]) => (
          <div key={word}>
            <dt>{t(word)}</dt>
            <dd>
              {combo.map((k) => (
                <Kbd key={k}>{k}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
